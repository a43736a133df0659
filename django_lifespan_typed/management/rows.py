"""What ``lifespan show`` says of each resource."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from inspect import unwrap
from typing import Any, Final, Literal, final

from django_lifespan_typed._declare.location import Location
from django_lifespan_typed._declare.resources import Resource
from django_lifespan_typed._declare.value_types import described
from django_lifespan_typed._settings import LifespanSettings
from django_lifespan_typed.management.graph import printable

HEADERS: Final = (
    "name",
    "type",
    "needs",
    "start",
    "stop",
    "optional",
    "health",
    "declared at",
)
_NOTHING: Final = "-"


@final
@dataclass(frozen=True)
class Limit:
    """How long a start or a stop may take."""

    seconds: float
    is_own: bool
    """Whether the resource says so itself; else the setting does."""

    def __str__(self) -> str:
        text = "no limit" if self.seconds == float("inf") else f"{self.seconds:g} s"
        return text if self.is_own else f"{text} *"

    def as_json(self) -> dict[str, object]:
        """JSON has no infinity: ``null`` is no limit."""
        return {
            "seconds": None if self.seconds == float("inf") else float(self.seconds),
            "from": "resource" if self.is_own else "setting",
        }


@final
@dataclass(frozen=True)
class Row:
    """One resource or manager."""

    kind: Literal["resource", "manager"]
    name: str
    type: str | None
    needs: tuple[str, ...]
    start: Limit
    stop: Limit
    optional: bool
    health: str | None
    """The function that says whether its value still works."""
    declared_at: Location

    def cells(self) -> tuple[str, ...]:
        """What stands in the table, under ``HEADERS``."""
        cells = (
            self.name,
            self.type or _NOTHING,
            ", ".join(self.needs) or _NOTHING,
            str(self.start),
            str(self.stop),
            "yes" if self.optional else _NOTHING,
            "yes" if self.health else _NOTHING,
            str(self.declared_at),
        )
        return tuple(map(printable, cells))

    def as_json(self) -> dict[str, object]:
        """The shape that docs/reference/command.md promises."""
        path, _, line = str(self.declared_at).rpartition(":")
        return {
            "kind": self.kind,
            "name": self.name,
            "type": self.type,
            "needs": list(self.needs),
            "start_timeout": self.start.as_json(),
            "stop_timeout": self.stop.as_json(),
            "optional": self.optional,
            "health": self.health,
            "declared_at": {
                "path": path,
                "line": int(line),
                "module": self.declared_at.module,
            },
        }


def rows(
    resources: Sequence[Resource[Any]],
    managers: Sequence[Resource[Any]],
    settings: LifespanSettings,
) -> Iterator[Row]:
    """A row for each, in their order."""
    for resource in resources:
        yield _row("resource", resource, settings)
    for manager in managers:
        yield _row("manager", manager, settings)


def _row(
    kind: Literal["resource", "manager"],
    resource: Resource[Any],
    settings: LifespanSettings,
) -> Row:
    # What a manager yields is names and values, which have types of their own.
    value_type = resource.value_type if kind == "resource" else None
    check = resource.health_check
    return Row(
        kind=kind,
        name=resource.name,
        type=None if value_type is None else described(value_type),
        needs=tuple(dict.fromkeys(need.name for need in resource.needs)),
        start=_limit(resource.start_timeout, settings.START_TIMEOUT),
        stop=_limit(resource.stop_timeout, settings.STOP_TIMEOUT),
        optional=resource.optional,
        health=None if check is None else _qualified(check),
        declared_at=resource.declared_at,
    )


def _limit(own: float | None, setting: float) -> Limit:
    return Limit(setting, is_own=False) if own is None else Limit(own, is_own=True)


def _qualified(function: Any) -> str:
    function = unwrap(getattr(function, "func", function))  # functools.partial
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    return f"{getattr(function, '__module__', '?')}.{name}"
