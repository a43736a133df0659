"""StateKey: the name and type of a value on the lifespan state."""

from __future__ import annotations

from inspect import isclass, isfunction
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, get_args

from .._text import type_name
from .location import Location, calling_location, location_of

T = TypeVar("T")

_WRITE_KEY: Final = 'Write: KEY = StateKey[SomeType]("some_name"), or use the resource.'


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
                "the name of a StateKey is a non-empty string, not "
                f"{kind_of(given)}\n"
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


def wrong_key(given: object) -> str:
    """
    Return what *given* is in place of a key and, in further lines, how to correct it.

    It has types and names only: a value in the wrong place may be a secret. Write::

        f"get_state() takes a StateKey or a Resource, not {wrong_key(given)}"
    """
    inner = _wrapped_key(given)
    if inner is not None:
        return (
            f"a function that a decorator above @lifespan_resource made of "
            f"{inner.name!r}\n{inner.declared_at.draw()}\n"
            "Write @lifespan_resource above the other decorators, and leave out "
            "@asynccontextmanager."
        )
    if isclass(given) and issubclass(given, StateKey):
        return f"the class {given.__name__} itself\n{_WRITE_KEY}"
    if isclass(given) or isfunction(given):
        kind = "class" if isclass(given) else "function"
        return (
            f"the {kind} {given.__qualname__}\n{location_of(given).draw()}\n"
            f"Decorate it, @lifespan_resource(...), or use the resource that it makes."
        )
    return f"{kind_of(given)}\n{_WRITE_KEY}"


def wrong_keys(option: str, given: Any) -> str:
    """
    Return what *option* has, if that is not a tuple of keys, and how to correct it.

    The first line is the problem. Returns "" for a tuple of keys.
    """
    if not isinstance(given, tuple):
        what = "a key" if isinstance(given, StateKey) else kind_of(given)
        return (
            f"has {what} as {option}=, not a tuple of keys or resources\n"
            f"Write: {option}=(HTTP,) with the comma, and the keys, not their names."
        )
    listed: list[object] = [*given]
    for each in listed:
        if not isinstance(each, StateKey):
            what, _, fix = wrong_key(each).partition("\n")
            return f"has {what} in {option}=, not a key or resource\n{fix}"
    return ""


def kind_of(given: object) -> str:
    """Return *given* by its type: "None", or "an object of type str"."""
    if given is None:
        return "None"
    if isinstance(given, str) and not given:
        return "an empty string"
    return f"an object of type {type_name(type(given))}"


def _wrapped_key(given: Any) -> StateKey[Any] | None:
    # As functools.wraps() leaves it; the decorators of contextlib do the same.
    for _ in range(20):
        given = getattr(given, "__dict__", {}).get("__wrapped__")
        is_key = isinstance(given, StateKey)
        if is_key:
            key: StateKey[Any] = given
            return key
    return None
