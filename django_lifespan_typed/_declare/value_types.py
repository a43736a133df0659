"""Types of values: read from annotations, and checked by isinstance."""

from __future__ import annotations

import types
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterator,
)
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

# A value is created from an object that has one of these methods.
_OPENING_METHODS: Final = (
    "__aenter__",
    "__enter__",
    "__await__",
    "__anext__",
    "__next__",
)

# Subclasses for a type checker, but not for isinstance (PEP 484, "numeric tower").
_PROMOTIONS: dict[type, tuple[type, ...]] = {
    float: (float, int),
    complex: (complex, float, int),
}


def fits(value: object, expected: object) -> bool:
    """
    Return whether *value* is of type *expected*.

    Decides for classes, unions of classes and runtime-checkable protocols. Returns
    True for types that ``isinstance`` cannot check.
    """
    if type(expected) is type and isinstance(value, expected):
        return True  # the common case
    return any(_fits_member(value, member) for member in _members(expected))


def is_generator(annotation: object) -> bool:
    """Return whether *annotation* is the return type of a generator function."""
    origin = get_origin(annotation)
    return isclass(origin) and issubclass(origin, AsyncIterator | Iterator)


def is_context_manager(cls: type) -> bool:
    """Return whether instances of *cls* can be entered and exited, sync or async."""
    methods = ("__aenter__", "__aexit__"), ("__enter__", "__exit__")
    return any(all(hasattr(cls, name) for name in pair) for pair in methods)


def closing_method(cls: type) -> str:
    """Return the method that closes an instance of *cls*, ``aclose`` first, or ""."""
    closes = (name for name in ("aclose", "close") if callable(getattr(cls, name, 0)))
    return next(closes, "")


def unclosed_type(factory: Callable[..., Any], value_type: object) -> type | None:
    """
    Return the class of the values that nothing closes, if it is known.

    That is what a coroutine function returns, with a method to close it, but no context
    manager.
    """
    if not iscoroutinefunction(factory):
        return None
    for member in _members(value_type):
        if not isclass(member) or getattr(member, "_is_protocol", False):
            continue
        if closing_method(member) and not is_context_manager(member):
            return member
    return None


def described(annotation: object) -> str:
    """Return the text of *annotation*, as it is written in code."""
    return " | ".join(
        type_name(member)
        if isclass(member) and get_origin(member) is None
        else str(member)
        for member in _members(annotation)
    )


def annotated_type(factory: Callable[..., Any]) -> object | None:
    """Return the type of the value by *factory*'s annotations; None if unknown."""
    if isclass(factory):
        return _entered_type(factory)
    # A function made by @asynccontextmanager has the annotations of its generator.
    annotation = _return_annotation(factory)
    if iscoroutinefunction(factory):
        return _type_of_returned(annotation)
    origin: Any = get_origin(annotation)
    # The argument of another generic class may mean anything: Pool[Connection].
    arguments = get_args(annotation)
    if origin in {Awaitable, Coroutine}:
        return _type_of_returned(arguments[-1])
    is_known = getattr(origin, "__module__", "") in {"collections.abc", "contextlib"}
    if is_known and arguments:
        return _known(arguments[0])
    return _entered_type(annotation) if isclass(annotation) else None


def _type_of_returned(annotation: Any) -> object | None:
    # A returned context manager is entered.
    origin: Any = get_origin(annotation)
    if getattr(origin, "__module__", "") == "contextlib":
        return _known(get_args(annotation)[0])
    cls = origin or annotation
    if isclass(cls) and is_context_manager(cls):
        return _known(annotation) if _entered_type(cls) else None
    return _known(annotation)


def can_be_opened(cls: type) -> bool:
    """Return whether an instance of *cls* can be entered, awaited or iterated."""
    return any(hasattr(cls, method) for method in _OPENING_METHODS)


def plain_return_type(factory: Callable[..., Any]) -> type | None:
    """
    Return the class that a plain function returns, if it cannot be opened.

    Returns None for any other factory, and if a subclass may well be opened.
    """
    kinds = iscoroutinefunction, isgeneratorfunction, isasyncgenfunction
    # A decorated function has the annotations of another one.
    if type(factory) is not FunctionType or hasattr(factory, "__wrapped__"):
        return None
    if any(is_kind(factory) for is_kind in kinds):
        return None
    annotation = _return_annotation(factory)
    if not isclass(annotation) or get_origin(annotation) is not None:
        return None
    is_base = annotation in {Any, object} or getattr(annotation, "_is_protocol", False)
    return None if is_base or can_be_opened(annotation) else annotation


def is_without_yield(factory: Callable[..., Any]) -> bool:
    """
    Return whether *factory* is a generator that lacks its yield.

    That is a coroutine function which is annotated as a generator, or which
    ``@asynccontextmanager`` or ``@contextmanager`` decorates.
    """
    wrapped = getattr(factory, "__wrapped__", None)
    if wrapped is not None:
        module = getattr(factory, "__globals__", {}).get("__name__")
        return module == "contextlib" and iscoroutinefunction(wrapped)
    # A coroutine function may well return an iterator.
    origin = get_origin(_return_annotation(factory))
    return iscoroutinefunction(factory) and origin in {AsyncGenerator, Generator}


def _return_annotation(function: Callable[..., Any]) -> object | None:
    try:
        return get_type_hints(function).get("return")
    except Exception:  # names that are imported under TYPE_CHECKING
        return None


def _entered_type(cls: type) -> object | None:
    enter = getattr(cls, "__aenter__", None) or getattr(cls, "__enter__", None)
    try:
        hints = dict(getattr(enter, "__annotations__", {}))
    except Exception:  # names that are imported under TYPE_CHECKING, Python 3.14
        return None
    hint = hints.get("return")
    if isinstance(hint, str):
        is_self = hint in {"Self", cls.__name__, hints.get("self")}
    elif isinstance(hint, TypeVar):
        is_self = hint is hints.get("self")
    else:
        is_self = hint is cls or getattr(hint, "__name__", "") == "Self"
    return cls if is_self else None


def _known(annotation: object) -> object | None:
    return None if annotation is Any or isinstance(annotation, TypeVar) else annotation


def _members(annotation: object) -> tuple[object, ...]:
    if get_origin(annotation) in {Union, types.UnionType}:
        return get_args(annotation)
    return (annotation,)


def _fits_member(value: object, member: object) -> bool:
    cls: Any = type(None) if member is None else get_origin(member) or member
    if cls is Annotated:
        return fits(value, get_args(member)[0])
    if not isclass(cls):
        return True
    try:
        return isinstance(value, _PROMOTIONS.get(cls, cls))
    except TypeError:
        return True  # a protocol that is not runtime-checkable, or a TypedDict
