"""
Measurements: cases take turns, and their figures have bounds.

With *quick* a section measures just enough to show that it works.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True)
class Result:
    """One line of the report; without a bound it is for comparison."""

    name: str
    value: float
    unit: str
    bound: float | None = None
    detail: str = ""

    @property
    def verdict(self) -> str:
        if self.bound is None:
            return "-"
        return "ok" if self.value <= self.bound else "over"

    def __str__(self) -> str:
        bound = "" if self.bound is None else f"<= {self.bound:g}"
        return (
            f"  {self.verdict:<5}{self.name:<62}"
            f"{self.value:>9.3f} {self.unit:<7}{bound:<8} {self.detail}"
        ).rstrip()


@dataclass
class Samples:
    """The seconds of each case, one in each round."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, name: str, seconds: float) -> None:
        self.seconds[name].append(seconds)

    def best(self, name: str) -> float:
        return min(self.seconds[name])

    def median(self, name: str) -> float:
        return median(self.seconds[name])

    def ratio(self, name: str, to: str, *, less: str | None = None) -> float:
        """
        The median, over the rounds, of *name* to *to*, both without the time of *less*:
        a disturbance of a round slows both.
        """
        off = self.seconds[less] if less else [0.0] * len(self.seconds[name])
        rounds = zip(self.seconds[name], self.seconds[to], off, strict=True)
        return median((one - free) / (other - free) for one, other, free in rounds)

    def scaled(self, name: str, to: str) -> float:
        """The median of *to*, times the ratio of *name* to it."""
        return self.median(to) * self.ratio(name, to)

    def difference(self, name: str, to: str) -> float:
        """The median, over the rounds, of *name* minus *to*."""
        rounds = zip(self.seconds[name], self.seconds[to], strict=True)
        return median(one - other for one, other in rounds)


def turns(
    cases: Iterable[str], rounds: int, *, collections: bool = False
) -> Iterator[str]:
    """
    Each case once in each round, in an order that rotates. Garbage is collected between
    cases; during them only if *collections* are part of the cost.
    """
    names = list(cases)
    with _frozen(collections):
        for number in range(rounds):
            gc.collect()
            first = number % len(names)
            for name in names[first:] + names[:first]:
                if collections:
                    gc.collect()  # no case pays for the one before
                yield name


@contextmanager
def _frozen(collections: bool) -> Iterator[None]:
    """Exclude what is imported from collections."""
    was_enabled = gc.isenabled()
    gc.collect()
    gc.freeze()
    if not collections:
        gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if was_enabled:
            gc.enable()
