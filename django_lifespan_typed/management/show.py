"""``lifespan show``: the table of resources, and its JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from inspect import unwrap
from typing import Any, Final, Literal, NamedTuple, final

from .._declare.location import Location
from .._declare.resources import Resource
from .._declare.value_types import described
from .._settings import LifespanSettings
from .._tasks.lifespan_task import LifespanTask
from .._text import column_width, printable
from .output import padded

HEADERS: Final = (
    "name",
    "type",
    "depends on",
    "start",
    "stop",
    "optional",
    "health",
    "declared at",
)
_NOTHING: Final = "-"


class TimeLimit(NamedTuple):
    """The time limit of a start or a stop."""

    seconds: float
    source: Literal["resource", "setting"]

    def __str__(self) -> str:
        text = "no limit" if self.seconds == float("inf") else f"{self.seconds:g} s"
        return text if self.source == "resource" else f"{text} *"

    def as_json(self) -> dict[str, object]:
        """Return the object in the JSON; None is no limit: JSON has no infinity."""
        seconds = None if self.seconds == float("inf") else float(self.seconds)
        return {"seconds": seconds, "from": self.source}


@final
class ShownResource:
    """One resource or manager, with time limits from *settings* where it has none."""

    def __init__(
        self,
        kind: Literal["resource", "manager"],
        resource: Resource[Any],
        settings: LifespanSettings,
    ) -> None:
        # A manager yields a mapping of values: it has no type of its own.
        value_type = resource.value_type if kind == "resource" else None
        check = resource.health_check
        self.kind: Literal["resource", "task", "manager"] = kind
        self.name: str = resource.name
        self.type: str | None = None if value_type is None else described(value_type)
        self.needs: tuple[str, ...] = tuple(
            dict.fromkeys(need.name for need in resource.needs)
        )
        self.start: TimeLimit = _limit(resource.start_timeout, settings.START_TIMEOUT)
        self.stop: TimeLimit = _limit(resource.stop_timeout, settings.STOP_TIMEOUT)
        self.optional: bool = resource.optional
        self.health: str | None = None if check is None else _qualified_name(check)
        self.declared_at: Location = resource.declared_at
        self.task: str | None = None
        if isinstance(resource, LifespanTask):
            self.kind, self.type = "task", None
            self.task = resource.schedule

    def cells(self) -> tuple[str, ...]:
        """Return its row of the table, under ``HEADERS``."""
        cells = (
            self.name,
            self.task or self.type or _NOTHING,
            ", ".join(self.needs) or _NOTHING,
            str(self.start),
            str(self.stop),
            "yes" if self.optional else _NOTHING,
            "yes" if self.health else _NOTHING,
            str(self.declared_at),
        )
        return tuple(map(printable, cells))

    def as_json(self) -> dict[str, object]:
        """Return the object that docs/reference/command.md describes."""
        location = self.declared_at
        return {
            "kind": self.kind,
            "name": self.name,
            "type": self.type,
            "task": self.task,
            "needs": list(self.needs),
            "start_timeout": self.start.as_json(),
            "stop_timeout": self.stop.as_json(),
            "optional": self.optional,
            "health": self.health,
            "declared_at": {
                "path": str(location).rpartition(":")[0],
                "line": location.line,
                "module": location.module,
            },
        }


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[list[str]]:
    """Pad the cells of *rows* so that each column is as wide as its widest cell."""
    widths = [max(map(column_width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield [padded(cell, width) for cell, width in zip(row, widths, strict=True)]


def _limit(own: float | None, setting: float) -> TimeLimit:
    return TimeLimit(setting, "setting") if own is None else TimeLimit(own, "resource")


def _qualified_name(function: Any) -> str:
    function = unwrap(getattr(function, "func", function))  # functools.partial
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    return f"{getattr(function, '__module__', '?')}.{name}"
