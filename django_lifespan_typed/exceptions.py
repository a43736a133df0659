"""Every error that this package raises."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured

from ._text import quoted, suggestion, type_name

if TYPE_CHECKING:
    from ._declare.location import Location

__all__ = [
    "DependencyCycle",
    "DuplicateName",
    "InvalidDeclaration",
    "InvalidFactory",
    "InvalidSetting",
    "InvalidValue",
    "LifespanError",
    "LifespanNotRunning",
    "MissingDependency",
    "PlanError",
    "ProtocolError",
    "ResourceCrashed",
    "ShutdownError",
    "ShutdownTimeout",
    "StartupError",
    "StartupTimeout",
    "StateNotFound",
]


class LifespanError(Exception):
    """The base of every error of this package."""

    def __reduce__(self) -> tuple[object, ...]:
        # By default its class is called with args, which are not what it takes.
        return _remade, (type(self), self.args, self.__dict__)


def _remade(
    cls: type[LifespanError], args: tuple[Any, ...], attributes: dict[str, Any]
) -> LifespanError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(attributes)
    return error


class InvalidSetting(LifespanError, ImproperlyConfigured):
    """``settings.LIFESPAN`` holds what we do not know."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem, remedy)
        self.problem: str = problem
        self.remedy: str = remedy

    def __str__(self) -> str:
        return f"{self.problem}\n{self.remedy}"


# --- Declaring


class InvalidDeclaration(LifespanError, TypeError):
    """A resource or manager is declared in a way that cannot work."""

    def __init__(self, problem: str, location: Location | None, remedy: str) -> None:
        super().__init__(problem, location, remedy)
        self.problem: str = problem
        self.location: Location | None = location
        self.remedy: str = remedy

    def __str__(self) -> str:
        drawn = [self.location.draw()] if self.location else []
        return "\n".join([self.problem, *drawn, self.remedy])


class DuplicateName(LifespanError, ValueError):
    """Two resources, or two managers, want one name."""

    def __init__(self, name: str, locations: Sequence[Location]) -> None:
        super().__init__(name, locations)
        self.name: str = name
        self.locations: tuple[Location, ...] = tuple(locations)

    def __str__(self) -> str:
        places = "\n".join(location.draw() for location in self.locations)
        return (
            f"the name {self.name!r} on the lifespan state has two owners\n{places}\n"
            "Rename one of them, or remove it: one name, one owner."
        )


# --- Planning


class PlanError(LifespanError):
    """The resources cannot be put in order; nothing was started."""


class MissingDependency(PlanError, LookupError):
    """A resource needs what nothing registers."""

    def __init__(
        self, name: str, need: str, location: Location, known: Collection[str]
    ) -> None:
        super().__init__(name, need, location, known)
        self.name: str = name
        self.need: str = need
        self.location: Location = location
        self.known: tuple[str, ...] = tuple(sorted(known))

    def __str__(self) -> str:
        return (
            f"lifespan resource {self.name!r} needs {self.need!r}, "
            f"which nothing registers\n{self.location.draw()}\n"
            f"{suggestion(self.need, self.known)}Register it, or drop it from needs=. "
            f"Registered: {quoted(self.known)}."
        )


class DependencyCycle(PlanError):
    """Resources need each other in a circle."""

    def __init__(self, circle: Sequence[tuple[str, Location]]) -> None:
        super().__init__(circle)
        self.circle: tuple[tuple[str, Location], ...] = tuple(circle)

    def __str__(self) -> str:
        width = max(len(name) for name, _ in self.circle)
        last = len(self.circle) - 1
        lines = ["lifespan resources need each other in a circle:"]
        for index, (name, location) in enumerate(self.circle):
            left = "╭─>─╮" if index == 0 else "╰─<─╯" if index == last else "│   │"
            if last == 0:
                left = "╶─⟲─╴"
            lines.append(f"  {left} {name:<{width}}  {location}")
        lines.append("Each needs the one below it, the last needs the first.")
        lines.append("Drop one from needs=, or move what both need into a third.")
        return "\n".join(lines)


# --- Starting


class StartupError(LifespanError):
    """A resource did not start."""

    def __init__(self, name: str, location: Location, problem: str) -> None:
        super().__init__(name, location, problem)
        self.name: str = name
        self.location: Location = location
        self.problem: str = problem

    def __str__(self) -> str:
        return (
            f"lifespan resource {self.name!r} {self.problem}\n{self.location.draw()}"
            f"{self.advice}"
        )

    @property
    def advice(self) -> str:
        """What to do about it; empty where the cause says it."""
        return ""


class StartupTimeout(StartupError, TimeoutError):
    """A resource took longer to start than it may."""

    def __init__(
        self, name: str, location: Location, seconds: float, waiting: Collection[str]
    ) -> None:
        super().__init__(name, location, f"did not start within {seconds:.3g} s")
        self.seconds: float = seconds
        self.waiting: tuple[str, ...] = tuple(sorted(waiting))

    @property
    def advice(self) -> str:
        """Who waited, and where the limit is set."""
        return (
            f"\nWaiting for it: {quoted(self.waiting)}. If it needs longer, write "
            'start_timeout=... (seconds) or LIFESPAN["START_TIMEOUT"].'
        )


class InvalidFactory(StartupError, TypeError):
    """What a factory gave is not what a factory gives."""

    def __init__(
        self, name: str, location: Location, problem: str, advice: str
    ) -> None:
        super().__init__(name, location, problem)
        self._advice = advice

    @property
    def advice(self) -> str:
        """What to write instead."""
        return f"\n{self._advice}"


class InvalidValue(StartupError, TypeError):
    """The value of a resource is not of its key's type."""

    def __init__(
        self, name: str, location: Location, value: object, expected: str, key: Location
    ) -> None:
        super().__init__(
            name,
            location,
            f"has a value of type {type_name(type(value))}, not {expected}",
        )
        self.value_class: type[object] = type(value)
        self.expected: str = expected
        self.key: Location = key

    @property
    def advice(self) -> str:
        """Where the type was promised."""
        drawn = "" if self.key == self.location else f"\n{self.key.draw()}"
        return f"{drawn}\nYield {self.expected}, or change the type that is promised."


# --- Serving


class ResourceCrashed(LifespanError):
    """A resource ended on its own while it was being used."""

    def __init__(self, name: str, location: Location, problem: str) -> None:
        super().__init__(name, location, problem)
        self.name: str = name
        self.location: Location = location
        self.problem: str = problem

    def __str__(self) -> str:
        return f"lifespan resource {self.name!r} {self.problem}\n{self.location.draw()}"


class LifespanNotRunning(LifespanError, RuntimeError):
    """State was asked for where no lifespan runs."""


class StateNotFound(LifespanError, KeyError):
    """The lifespan state has no value of that name."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(name, problem)
        self.name: str = name
        self.problem: str = problem

    def __str__(self) -> str:
        return self.problem


class ProtocolError(LifespanError, RuntimeError):
    """The server sent a message that the ASGI lifespan does not allow there."""


# --- Stopping


class ShutdownError(LifespanError):
    """A resource did not stop as it should."""

    def __init__(self, name: str, location: Location, problem: str) -> None:
        super().__init__(name, location, problem)
        self.name: str = name
        self.location: Location = location
        self.problem: str = problem

    def __str__(self) -> str:
        return f"lifespan resource {self.name!r} {self.problem}\n{self.location.draw()}"


class ShutdownTimeout(ShutdownError, TimeoutError):
    """A resource took longer to stop than it may."""

    def __init__(
        self, name: str, location: Location, seconds: float, waiting: Collection[str]
    ) -> None:
        super().__init__(name, location, f"did not stop within {seconds:.3g} s")
        self.seconds: float = seconds
        self.waiting: tuple[str, ...] = tuple(sorted(waiting))

    def __str__(self) -> str:
        return (
            f"{super().__str__()}\nWaiting for it: {quoted(self.waiting)}. If it needs "
            'longer, write stop_timeout=... (seconds) or LIFESPAN["STOP_TIMEOUT"] and '
            '"STOP_BUDGET".'
        )
