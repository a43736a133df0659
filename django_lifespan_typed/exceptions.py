"""The exceptions of this package."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.exceptions import ImproperlyConfigured

from ._text import quoted, seconds_text, suggestion, type_name

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
    "ResourceError",
    "ShutdownError",
    "ShutdownTimeout",
    "StartupError",
    "StartupTimeout",
    "StateNotFound",
]


class LifespanError(Exception):
    """The base class of every exception of this package."""

    def __reduce__(self) -> tuple[object, ...]:
        # Exception calls the class with ``args``, which differ from its parameters.
        return _unpickled, (type(self), self.args, self.__dict__)


def _unpickled(
    cls: type[LifespanError], args: tuple[Any, ...], attributes: dict[str, Any]
) -> LifespanError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(attributes)
    return error


def _message(problem: str, locations: Iterable[Location | None], fix: str) -> str:
    drawn = [location.draw() for location in locations if location is not None]
    return "\n".join(line for line in [problem, *drawn, fix] if line)


class ResourceError(LifespanError):
    """
    The base class of exceptions about one resource.

    The message says "lifespan resource *name* *problem*", then the *location* of its
    declaration, then the *fix*, which is empty if the cause says enough.
    """

    def __init__(
        self, name: str, location: Location, problem: str, fix: str = ""
    ) -> None:
        super().__init__(name, location, problem, fix)
        self.name: str = name
        self.location: Location = location
        self.problem: str = problem
        self.fix: str = fix

    def __str__(self) -> str:
        problem = f"lifespan resource {self.name!r} {self.problem}"
        return _message(problem, [self.location], self.fix)


class InvalidSetting(LifespanError, ImproperlyConfigured):
    """``settings.LIFESPAN`` has an unknown name or an invalid value."""

    def __init__(self, problem: str, fix: str) -> None:
        super().__init__(problem, fix)
        self.problem: str = problem
        self.fix: str = fix

    def __str__(self) -> str:
        return _message(self.problem, [], self.fix)


# --- Declaration


class InvalidDeclaration(LifespanError, TypeError):
    """A resource, task, manager, lock or ``only=`` has an argument that cannot work."""

    def __init__(self, problem: str, location: Location | None, fix: str) -> None:
        super().__init__(problem, location, fix)
        self.problem: str = problem
        self.location: Location | None = location
        self.fix: str = fix

    def __str__(self) -> str:
        return _message(self.problem, [self.location], self.fix)


class DuplicateName(LifespanError, ValueError):
    """Two resources or managers have the same name."""

    def __init__(self, name: str, locations: Iterable[Location]) -> None:
        super().__init__(name, locations)
        self.name: str = name
        self.locations: tuple[Location, ...] = tuple(locations)

    def __str__(self) -> str:
        return _message(
            f"two lifespan resources are named {self.name!r}",
            self.locations,
            "Rename one of them, or remove it.",
        )


# --- Plan


class PlanError(LifespanError):
    """The base class of errors in the dependencies; no resource was started."""


class MissingDependency(PlanError, ResourceError, LookupError):
    """A resource depends on a name that is not registered."""

    def __init__(
        self, name: str, dependency: str, location: Location, known: Collection[str]
    ) -> None:
        super().__init__(
            name,
            location,
            f"depends on {dependency!r}, which is not registered",
            f"{suggestion(dependency, known)}Register it, or remove it from needs=. "
            f"Registered: {quoted(known)}.",
        )
        self.dependency: str = dependency
        self.known: tuple[str, ...] = tuple(sorted(known))


class DependencyCycle(PlanError):
    """Resources depend on each other in a cycle."""

    def __init__(self, cycle: Iterable[tuple[str, Location]]) -> None:
        self.cycle: tuple[tuple[str, Location], ...] = tuple(cycle)
        """Names and locations; each depends on the next, the last on the first."""
        super().__init__(self.cycle)

    def __str__(self) -> str:
        names = [repr(name) for name, _ in (*self.cycle, self.cycle[0])]
        return _message(
            f"dependency cycle of lifespan resources: {' > '.join(names)}",
            [location for _, location in self.cycle],
            "Remove one of these from needs=, or move what they share into another "
            "resource.",
        )


# --- Startup


class StartupError(ResourceError):
    """A resource failed to start."""


class _TimeLimitExceeded(ResourceError):
    _PROBLEM: ClassVar[str]
    _OPTIONS: ClassVar[str]

    def __init__(
        self, name: str, location: Location, seconds: float, waiting: Collection[str]
    ) -> None:
        waits = f"Waiting for it: {quoted(waiting)}.\n" if waiting else ""
        super().__init__(
            name,
            location,
            f"{self._PROBLEM} within {seconds_text(seconds)}",
            f"{waits}To allow it more time, set {self._OPTIONS}.",
        )
        self.seconds: float = seconds
        """The time limit."""
        self.waiting: tuple[str, ...] = tuple(sorted(waiting))
        """The names of the resources that were waiting for it."""


class StartupTimeout(_TimeLimitExceeded, StartupError, TimeoutError):
    """A resource did not start within its time limit."""

    _PROBLEM = "did not start"
    _OPTIONS = 'start_timeout= (seconds) or LIFESPAN["START_TIMEOUT"]'


class InvalidFactory(StartupError, TypeError):
    """A factory did not produce exactly one value."""


class InvalidValue(StartupError, TypeError):
    """The value of a resource is not of its key's type."""

    def __init__(
        self, name: str, location: Location, value: object, expected: str, key: Location
    ) -> None:
        super().__init__(
            name,
            location,
            f"has a value of type {type_name(type(value))}, not {expected}",
            f"Yield {expected}, or change the type where it is declared.",
        )
        self.expected: str = expected
        self.key: Location = key
        """Where the expected type is declared."""

    def __str__(self) -> str:
        problem = f"lifespan resource {self.name!r} {self.problem}"
        return _message(problem, dict.fromkeys([self.location, self.key]), self.fix)


# --- Serving


class ResourceCrashed(ResourceError):
    """A resource ended by itself while it was in use."""


class LifespanNotRunning(LifespanError, RuntimeError):
    """A value was looked up where no lifespan is running."""


class StateNotFound(LifespanError, KeyError):
    """The lifespan state has no value of that name."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(name, problem)
        self.name: str = name
        self.problem: str = problem

    def __str__(self) -> str:
        return self.problem


class ProtocolError(LifespanError, RuntimeError):
    """The server sent an event that the ASGI lifespan does not allow at this point."""


# --- Shutdown


class ShutdownError(ResourceError):
    """A resource failed to shut down."""


class ShutdownTimeout(_TimeLimitExceeded, ShutdownError, TimeoutError):
    """A resource did not shut down within its time limit."""

    _PROBLEM = "did not shut down"
    _OPTIONS = 'stop_timeout= (seconds) or LIFESPAN["STOP_TIMEOUT"] and "STOP_BUDGET"'
