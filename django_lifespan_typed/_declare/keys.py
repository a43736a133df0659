"""Names on the lifespan state, each with the type of the value found there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar, get_args

from .location import Location, calling_location

T = TypeVar("T")


class StateKey(Generic[T]):
    """
    A name on the lifespan state, and the type of the value found there::

        HTTP = StateKey[httpx.AsyncClient]("http")

    *name* is what ``request.state["http"]`` is asked for. The type may be
    anything that a type checker knows: a class, a protocol, a union, a callable.
    Two keys of one name stand for the same value.

    Raises ``TypeError`` for a name that is not a non-empty string.
    """

    # Variance is declared by TypeVar, not inferred: PEP 695 would make it
    # covariant and let ``override_state(HTTP, "not a client")`` pass.
    # ``__orig_class__`` is where ``StateKey[X]("x")`` leaves ``X``.
    __slots__ = ("__orig_class__", "__weakref__", "declared_at", "name")

    name: str
    """What it is called on the state."""
    declared_at: Location
    """Where it was made."""

    def __init__(self, name: str, /) -> None:
        if not _is_name(name):
            raise TypeError(
                f"the name of a StateKey is a non-empty string, not {name!r}\n"
                f'Write: KEY = StateKey[SomeType]("some_name")'
            )
        self.name = name
        self.declared_at = calling_location()

    if TYPE_CHECKING:
        # Else mypy --strict holds ``KEY in request.state`` for a mistake.
        def __eq__(self, other: object, /) -> bool: ...
        def __hash__(self) -> int: ...

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} from {self.module}>"

    @property
    def module(self) -> str:
        """The module that the key was made in."""
        return self.declared_at.module

    @property
    def value_type(self) -> object | None:
        """What the key was subscripted with; None where it was not."""
        return next(iter(get_args(getattr(self, "__orig_class__", None))), None)


def _is_name(given: object) -> bool:
    return isinstance(given, str) and given != ""
