"""Tables: libraries side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .peers import FLOORS, OURS

# A smaller ratio between two libraries may be chance.
MARGIN = 1.05


@dataclass(frozen=True)
class Column:
    """A measurement of each library."""

    name: str
    unit: str
    more_is_better: bool = False


@dataclass(frozen=True)
class Table:
    """The figures of each library, by row; None where it cannot do it."""

    name: str
    """The name of its file."""
    title: str
    columns: tuple[Column, ...]
    rows: Mapping[str, tuple[float | None, ...]]
    baseline: str
    """Figures are shown as multiples of this row; "" for no row."""
    library: Mapping[str, str] = field(default_factory=dict)
    """The library of a row with another name."""
    ours: str = OURS
    """Our row, which others are compared with."""
    note: str = ""

    def ahead(self) -> Iterator[tuple[str, ...]]:
        """Where another library is ahead of ours."""
        for name, figures in self.rows.items():
            if self.library.get(name, name) in {OURS, *FLOORS}:
                continue
            columns = zip(self.columns, figures, self.rows[self.ours], strict=True)
            for column, theirs, ours in columns:
                if theirs is None or ours is None:
                    continue
                ratio = theirs / ours if column.more_is_better else ours / theirs
                if ratio > MARGIN:
                    what = f"{self.title}: {column.name}, {column.unit}"
                    figure, of_ours = shown_figure(theirs), shown_figure(ours)
                    yield (
                        what,
                        name,
                        figure,
                        of_ours,
                        f"{shown_figure(ratio)}\N{NO-BREAK SPACE}×",
                    )

    def markdown(self) -> str:
        rows = [
            (f"**{name}**" if self.library.get(name, name) == OURS else name, *cells)
            for name, cells in self._cells().items()
        ]
        text = markdown(self._head(), rows)
        return f"{text}\n{self.note}\n" if self.note else text

    def __str__(self) -> str:
        rows = [
            self._head(),
            *((name, *cells) for name, cells in self._cells().items()),
        ]
        sizes = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
        lines = [
            f"    {name:<{sizes[0]}}  " + "  ".join(map(str.rjust, cells, sizes[1:]))
            for name, *cells in rows
        ]
        note = [f"    {self.note}"] if self.note else []
        return "\n".join([f"  {self.title}", *lines, *note])

    def _head(self) -> tuple[str, ...]:
        return ("", *(f"{column.name}, {column.unit}" for column in self.columns))

    def _cells(self) -> dict[str, list[str]]:
        base = self.rows.get(self.baseline, (None,) * len(self.columns))
        return {
            name: [_with_ratio(*pair) for pair in zip(figures, base, strict=True)]
            for name, figures in self.rows.items()
        }


def markdown(
    head: Sequence[str], rows: Iterable[Sequence[str]], texts: Iterable[int] = (0,)
) -> str:
    """A table; columns other than *texts* are of figures."""
    rule = ["---" if column in texts else "---:" for column in range(len(head))]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, rule, *rows))


def shown_figure(figure: float) -> str:
    """Three digits, since more would be noise; a count in full."""
    if isinstance(figure, int):
        return f"{figure:,}"
    if figure >= 1_000:
        return f"{round(figure, 3 - len(str(int(figure)))):,.0f}"
    return f"{figure:#.3g}".rstrip(".")


def _with_ratio(figure: float | None, base: float | None) -> str:
    if figure is None:
        return "–"
    ratio = f" ({shown_figure(figure / base)}\N{NO-BREAK SPACE}×)" if base else ""
    return f"{shown_figure(figure)}{ratio}"
