"""StateKey: the name and type of a value on the lifespan state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args

from .location import Location, calling_location

T = TypeVar("T")


class StateKey(Generic[T]):
    """
    The name and type of a value on the lifespan state::

        HTTP = StateKey[httpx.AsyncClient]("http")

    The type is any that a type checker knows: a class, a protocol, a union, a
    callable. Two keys with the same name refer to the same value.

    :param name: the name on the state, as in ``request.state["http"]``.

    Raises ``TypeError`` if the name is not a non-empty string.
    """

    # TypeVar declares the variance. PEP 695 would infer a covariant type, and type
    # checkers would accept ``override_state(HTTP, "not a client")``.
    # ``StateKey[X]("x")`` stores ``X`` in ``__orig_class__``.
    __slots__ = ("__orig_class__", "__weakref__", "declared_at", "name")

    name: str
    """The name on the state."""
    declared_at: Location
    """Where the key was created."""

    def __init__(self, name: str, /) -> None:
        given: Any = name
        if not isinstance(given, str) or not given:
            raise TypeError(
                f"the name of a StateKey is a non-empty string, not {given!r}\n"
                'Write: KEY = StateKey[SomeType]("some_name")'
            )
        self.name = name
        self.declared_at = calling_location()

    if TYPE_CHECKING:
        # Without these, mypy --strict reports ``KEY in request.state``.
        def __eq__(self, other: object, /) -> bool: ...
        def __hash__(self) -> int: ...

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} from {self.module}>"

    @property
    def module(self) -> str:
        """The module that created the key."""
        return self.declared_at.module

    @property
    def value_type(self) -> object | None:
        """The type in the brackets of ``StateKey[...]``; None without brackets."""
        return next(iter(get_args(getattr(self, "__orig_class__", None))), None)
