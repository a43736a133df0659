"""Types of values: what a factory promises, and whether a value keeps it."""

from __future__ import annotations

import types
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from inspect import (
    isasyncgenfunction,
    isclass,
    iscoroutinefunction,
    isgeneratorfunction,
)
from types import FunctionType
from typing import (
    Annotated,
    Any,
    Final,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from .._text import type_name

# What makes a value of what a function returns, by one of these methods.
_ENTERED: Final = ("__aenter__", "__enter__", "__await__", "__anext__", "__next__")

# What Python's type system accepts beyond isinstance (PEP 484, "the numeric tower").
_PROMOTIONS: dict[type, tuple[type, ...]] = {
    float: (float, int),
    complex: (complex, float, int),
}


def fits(value: object, expected: object) -> bool:
    """
    Whether *value* may stand where *expected* is promised.

    Decides for classes, unions of classes and runtime-checkable protocols; what
    cannot be decided by ``isinstance`` fits.
    """
    if type(expected) is type and isinstance(value, expected):
        return True  # what nearly always is
    options = _union(expected)
    return any(_fits_one(value, option) for option in options)


def is_generator(expected: object) -> bool:
    """Whether that is what a generator function is annotated with."""
    origin = get_origin(expected)
    return isclass(origin) and issubclass(origin, AsyncIterator | Iterator)


def described(expected: object) -> str:
    """*expected* as one would write it."""
    return " | ".join(
        type_name(option)
        if isclass(option) and get_origin(option) is None
        else str(option)
        for option in _union(expected)
    )


def promised(factory: Callable[..., Any]) -> object | None:
    """The type that *factory*'s annotations promise to yield or return, if known."""
    if isclass(factory):
        return _entered_type(factory)
    try:
        # The wrapper of @asynccontextmanager carries the generator's annotations.
        hint = get_type_hints(factory).get("return")
    except Exception:  # annotations may name what only a checker sees
        return None
    if iscoroutinefunction(factory):
        return _known(hint)
    arguments = get_args(hint)
    if arguments and get_origin(hint) is not Union:
        origin: Any = get_origin(hint)
        # The argument of any other generic class may mean anything: Pool[Connection].
        if getattr(origin, "__module__", None) in {"collections.abc", "contextlib"}:
            return _known(arguments[-1 if origin.__name__ == "Coroutine" else 0])
    return None


def returned_bare(factory: Callable[..., Any]) -> type | None:
    """What a plain function says it returns, where that makes no value."""
    is_wrapped = hasattr(factory, "__wrapped__")  # annotated as something else is
    if type(factory) is not FunctionType or is_wrapped or _is_suspended(factory):
        return None
    try:
        hint: Any = get_type_hints(factory).get("return")
    except Exception:  # as above
        return None
    is_class = isclass(hint) and get_origin(hint) is None and hint not in {Any, object}
    return hint if is_class and not any(map(partial(hasattr, hint), _ENTERED)) else None


def _is_suspended(function: Callable[..., Any]) -> bool:
    kinds = iscoroutinefunction, isgeneratorfunction, isasyncgenfunction
    return any(kind(function) for kind in kinds)


def _entered_type(cls: type) -> object | None:
    enter = getattr(cls, "__aenter__", None) or getattr(cls, "__enter__", None)
    try:
        hints = dict(getattr(enter, "__annotations__", {}))
    except Exception:  # Python 3.14 evaluates them now
        return None
    hint = hints.get("return")
    if isinstance(hint, str):
        is_self = hint in {"Self", cls.__name__, hints.get("self")}
    elif isinstance(hint, TypeVar):
        is_self = hint is hints.get("self")
    else:
        is_self = hint is cls or getattr(hint, "__name__", "") == "Self"
    return cls if is_self else None


def _known(hint: object) -> object | None:
    return None if hint is Any or isinstance(hint, TypeVar) else hint


def _union(expected: object) -> tuple[object, ...]:
    if get_origin(expected) in {Union, types.UnionType}:
        return get_args(expected)
    return (expected,)


def _fits_one(value: object, option: object) -> bool:
    cls: Any = type(None) if option is None else get_origin(option) or option
    if cls is Annotated:
        return fits(value, get_args(option)[0])
    if not isclass(cls):
        return True
    try:
        return isinstance(value, _PROMOTIONS.get(cls, cls))
    except TypeError:
        return True  # a protocol that is not runtime-checkable, a TypedDict
