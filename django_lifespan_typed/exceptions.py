"""Every error that this package raises."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from ._declare.location import Source

__all__ = [
    "CircularNeeds",
    "DuplicateName",
    "InvalidDeclaration",
    "InvalidFactory",
    "InvalidSetting",
    "InvalidValue",
    "LifespanError",
    "LifespanNotRunning",
    "MissingNeed",
    "PlanError",
    "ProtocolError",
    "ResourceCrashed",
    "ShutdownError",
    "ShutdownTimeout",
    "StartupError",
    "StartupTimeout",
    "StateNotFound",
]


def quoted(names: Collection[str], *, empty: str = "nothing") -> str:
    """``'cache', 'db'``, in the alphabet's order."""
    return ", ".join(repr(name) for name in sorted(names, key=str)) or empty


def suggestion(name: str, known: Collection[str]) -> str:
    """``Did you mean 'db'? `` or nothing."""
    close = get_close_matches(name, sorted(map(str, known)), n=1)
    return f"Did you mean {close[0]!r}? " if close else ""


def said(error: object, by: Callable[[object], str] = str) -> str:
    """*error* by ``str``, or ``repr``; its type's name where it cannot say more."""
    try:
        return by(error)
    except Exception:  # noqa: BLE001 - it is the user's, and a stop waits for us
        return type(error).__name__


def notes_of(given: object) -> list[str]:
    """What ``__notes__`` has, where that is what PEP 678 says."""
    noted: Any = given
    return [*map(said, noted)] if isinstance(given, list | tuple) else []


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

    def __init__(self, problem: str, source: Source | None, remedy: str) -> None:
        super().__init__(problem, source, remedy)
        self.problem: str = problem
        self.source: Source | None = source
        self.remedy: str = remedy

    def __str__(self) -> str:
        drawn = [self.source.draw()] if self.source else []
        return "\n".join([self.problem, *drawn, self.remedy])


class DuplicateName(LifespanError, ValueError):
    """Two resources, or two managers, want one name."""

    def __init__(self, name: str, sources: Sequence[Source]) -> None:
        super().__init__(name, sources)
        self.name: str = name
        self.sources: tuple[Source, ...] = tuple(sources)

    def __str__(self) -> str:
        places = "\n".join(source.draw() for source in self.sources)
        return (
            f"the name {self.name!r} on the lifespan state has two owners\n{places}\n"
            "Rename one of them, or remove it: one name, one owner."
        )


# --- Planning


class PlanError(LifespanError):
    """The resources cannot be put in order; nothing was started."""


class MissingNeed(PlanError, LookupError):
    """A resource needs what nothing registers."""

    def __init__(
        self, name: str, need: str, source: Source, known: Collection[str]
    ) -> None:
        super().__init__(name, need, source, known)
        self.name: str = name
        self.need: str = need
        self.source: Source = source
        self.known: tuple[str, ...] = tuple(sorted(known))

    def __str__(self) -> str:
        return (
            f"lifespan resource {self.name!r} needs {self.need!r}, "
            f"which nothing registers\n{self.source.draw()}\n"
            f"{suggestion(self.need, self.known)}Register it, or drop it from needs=. "
            f"Registered: {quoted(self.known)}."
        )


class CircularNeeds(PlanError):
    """Resources need each other in a circle."""

    def __init__(self, circle: Sequence[tuple[str, Source]]) -> None:
        super().__init__(circle)
        self.circle: tuple[tuple[str, Source], ...] = tuple(circle)

    def __str__(self) -> str:
        width = max(len(name) for name, _ in self.circle)
        last = len(self.circle) - 1
        lines = ["lifespan resources need each other in a circle:"]
        for index, (name, source) in enumerate(self.circle):
            left = "╭─>─╮" if index == 0 else "╰─<─╯" if index == last else "│   │"
            if last == 0:
                left = "╶─⟲─╴"
            lines.append(f"  {left} {name:<{width}}  {source}")
        lines.append("Each needs the one below it, the last needs the first.")
        lines.append("Drop one from needs=, or move what both need into a third.")
        return "\n".join(lines)


# --- Starting


class StartupError(LifespanError):
    """A resource did not start."""

    def __init__(self, name: str, source: Source, problem: str) -> None:
        super().__init__(name, source, problem)
        self.name: str = name
        self.source: Source = source
        self.problem: str = problem

    def __str__(self) -> str:
        return (
            f"lifespan resource {self.name!r} {self.problem}\n{self.source.draw()}"
            f"{self.advice}"
        )

    @property
    def advice(self) -> str:
        """What to do about it; empty where the cause says it."""
        return ""


class StartupTimeout(StartupError, TimeoutError):
    """A resource took longer to start than it may."""

    def __init__(
        self, name: str, source: Source, seconds: float, waiting: Collection[str]
    ) -> None:
        super().__init__(name, source, f"did not start within {seconds:.3g} s")
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

    def __init__(self, name: str, source: Source, problem: str, advice: str) -> None:
        super().__init__(name, source, problem)
        self._advice = advice

    @property
    def advice(self) -> str:
        """What to write instead."""
        return f"\n{self._advice}"


class InvalidValue(StartupError, TypeError):
    """The value of a resource is not of its key's type."""

    def __init__(
        self, name: str, source: Source, value: object, expected: str, key: Source
    ) -> None:
        super().__init__(
            name, source, f"has a value of type {typename(type(value))}, not {expected}"
        )
        self.value_class: type[object] = type(value)
        self.expected: str = expected
        self.key: Source = key

    @property
    def advice(self) -> str:
        """Where the type was promised."""
        drawn = "" if self.key == self.source else f"\n{self.key.draw()}"
        return f"{drawn}\nYield {self.expected}, or change the type that is promised."


# --- Serving


class ResourceCrashed(LifespanError):
    """A resource ended on its own while it was being used."""

    def __init__(self, name: str, source: Source, problem: str) -> None:
        super().__init__(name, source, problem)
        self.name: str = name
        self.source: Source = source
        self.problem: str = problem

    def __str__(self) -> str:
        return f"lifespan resource {self.name!r} {self.problem}\n{self.source.draw()}"


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

    def __init__(self, name: str, source: Source, problem: str) -> None:
        super().__init__(name, source, problem)
        self.name: str = name
        self.source: Source = source
        self.problem: str = problem

    def __str__(self) -> str:
        return f"lifespan resource {self.name!r} {self.problem}\n{self.source.draw()}"


class ShutdownTimeout(ShutdownError, TimeoutError):
    """A resource took longer to stop than it may."""

    def __init__(
        self, name: str, source: Source, seconds: float, waiting: Collection[str]
    ) -> None:
        super().__init__(name, source, f"did not stop within {seconds:.3g} s")
        self.seconds: float = seconds
        self.waiting: tuple[str, ...] = tuple(sorted(waiting))

    def __str__(self) -> str:
        return (
            f"{super().__str__()}\nWaiting for it: {quoted(self.waiting)}. If it needs "
            'longer, write stop_timeout=... (seconds) or LIFESPAN["STOP_TIMEOUT"] and '
            '"STOP_BUDGET".'
        )


def typename(cls: type) -> str:
    """``httpx.AsyncClient``; builtins without their module."""
    module = "" if cls.__module__ == "builtins" else f"{cls.__module__}."
    return f"{module}{cls.__qualname__}"
