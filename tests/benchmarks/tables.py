"""Tables: libraries side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .measuring import Samples
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
                    yield (
                        f"{self.title}: {column.name}, {column.unit}",
                        name,
                        shown_figure(theirs),
                        shown_figure(ours),
                        f"{shown_figure(ratio)} ×",
                    )

    def markdown(self) -> str:
        lines = [["", *self._heads()], ["---", *["---:"] * len(self.columns)]]
        for name, figures in self.rows.items():
            shown = f"**{name}**" if self.library.get(name, name) == OURS else name
            lines.append([shown, *self._cells(figures)])
        drawn = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"{drawn}\n\n{self.note}\n" if self.note else f"{drawn}\n"

    def __str__(self) -> str:
        rows = [("", self._heads())]
        rows += [(name, self._cells(row)) for name, row in self.rows.items()]
        first = max(len(name) for name, _ in rows)
        columns = zip(*(cells for _, cells in rows), strict=True)
        sizes = [max(map(len, cells)) for cells in columns]
        lines = [
            f"    {name:<{first}}  " + "  ".join(map(str.rjust, cells, sizes))
            for name, cells in rows
        ]
        note = [f"    {self.note}"] if self.note else []
        return "\n".join([f"  {self.title}", *lines, *note])

    def _heads(self) -> list[str]:
        return [f"{column.name}, {column.unit}" for column in self.columns]

    def _cells(self, figures: tuple[float | None, ...]) -> list[str]:
        base = self.rows.get(self.baseline, (None,) * len(self.columns))
        return [_with_ratio(*pair) for pair in zip(figures, base, strict=True)]


def of_samples(
    samples: Mapping[str, Samples], row: str, scale: float
) -> tuple[float | None, ...]:
    """The medians of *row* in each of *samples*; None where it has none."""
    return tuple(
        column.median(row) * scale if row in column else None
        for column in samples.values()
    )


def _with_ratio(figure: float | None, base: float | None) -> str:
    if figure is None:
        return "–"
    if not base:
        return shown_figure(figure)
    return f"{shown_figure(figure)} ({shown_figure(figure / base)} ×)"


def shown_figure(figure: float) -> str:
    """Three digits, since more would be noise; a count in full."""
    if isinstance(figure, int):
        return f"{figure:,}"
    if figure >= 1_000:
        return f"{round(figure, 3 - len(str(int(figure)))):,.0f}"
    return f"{figure:#.3g}".rstrip(".")
