"""Tables: libraries side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .measuring import Samples
from .peers import FLOORS, OURS

# What separates two libraries may be chance below this.
MARGIN = 1.05


@dataclass(frozen=True)
class Column:
    """One thing that was measured of each library."""

    name: str
    unit: str
    more_is_better: bool = False


@dataclass(frozen=True)
class Table:
    """The figures of each library, by row; None where it cannot do it."""

    name: str
    """What its file is called."""
    title: str
    columns: tuple[Column, ...]
    rows: Mapping[str, tuple[float | None, ...]]
    baseline: str
    """The row that each figure is shown as a multiple of; "" for no row."""
    library: Mapping[str, str] = field(default_factory=dict)
    """Whose a row is, where its name does not say."""
    ours: str = OURS
    """Our row that others are compared with."""
    note: str = ""

    def ahead(self) -> Iterator[tuple[str, ...]]:
        """Where a library is ahead of us: what, who, both figures, how much better."""
        for name, figures in self.rows.items():
            library = self.library.get(name, name)
            if library in {OURS, *FLOORS}:
                continue
            for column, theirs, ours in zip(
                self.columns, figures, self.rows[self.ours], strict=True
            ):
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
        header = ["", *(f"{column.name}, {column.unit}" for column in self.columns)]
        lines = [header, ["---", *["---:"] * len(self.columns)]]
        for name, figures in self.rows.items():
            shown = f"**{name}**" if self.library.get(name, name) == OURS else name
            lines.append([shown, *self._cells(figures)])
        drawn = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"{drawn}\n\n{self.note}\n" if self.note else f"{drawn}\n"

    def __str__(self) -> str:
        heads = [f"{column.name}, {column.unit}" for column in self.columns]
        body = {name: self._cells(row) for name, row in self.rows.items()}
        sizes = [
            max(len(cell) for cell in cells)
            for cells in zip(heads, *body.values(), strict=True)
        ]
        first = max(map(len, body))

        def line(name: str, cells: list[str]) -> str:
            right = (cell.rjust(size) for cell, size in zip(cells, sizes, strict=True))
            return f"    {name:<{first}}  {'  '.join(right)}"

        shown = [line(name, cells) for name, cells in body.items()]
        note = [f"    {self.note}"] if self.note else []
        return "\n".join([f"  {self.title}", line("", heads), *shown, *note])

    def _cells(self, figures: tuple[float | None, ...]) -> list[str]:
        return [
            _with_ratio(figure, base)
            for figure, base in zip(figures, self._base(), strict=True)
        ]

    def _base(self) -> tuple[float | None, ...]:
        return self.rows.get(self.baseline, (None,) * len(self.columns))


def of_samples(
    samples: Mapping[str, Samples], row: str, scale: float
) -> tuple[float | None, ...]:
    """The medians of *row* in each of *samples*; None where it has none there."""
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
    """Three digits, for there is no truth in more; what is counted, in full."""
    if isinstance(figure, int):
        return f"{figure:,}"
    if figure >= 1_000:
        return f"{round(figure, 3 - len(str(int(figure)))):,.0f}"
    return f"{figure:#.3g}".rstrip(".")
