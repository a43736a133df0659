"""``override_state``: a fake in the place of a resource, while a test runs."""

from __future__ import annotations

import unittest
from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps
from inspect import isasyncgenfunction, isclass, isgeneratorfunction
from types import TracebackType
from typing import Any, Final, Generic, TypeVar

from asgiref.sync import iscoroutinefunction

from .._declare.keys import StateKey
from .._runtime.overrides import overrides

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

OVERRIDES: Final = "__lifespan_overrides__"
"""Where a decorated function, or class, keeps what decorates it."""


class override_state(Generic[T]):  # noqa: N801 - named as Django's override_settings
    """
    Lets *key* name *value* while a block, a test or a test case runs::

        with override_state(HTTP, fake):
            ...

        @override_state(HTTP, fake)
        async def test_search(...): ...

        @override_state(HTTP, fake)
        class SearchTests(LifespanTestCase, TestCase): ...

    A lifespan that starts meanwhile starts neither the real resource nor what only
    that needs; what needs it is given *value*. In one that runs already the value is
    swapped, and comes back; what was made of the old one keeps it. Overrides nest,
    and hold in every thread of the process.

    Raises ``TypeError`` for what is no key, for a class that has no tests, and for a
    generator function.
    """

    def __init__(self, key: StateKey[T], value: T, /) -> None:
        if not _is_key(key):
            raise TypeError(
                f"override_state() takes a StateKey or a Resource, not {key!r}\n"
                "Write: override_state(KEY, value)"
            )
        self._key = key
        self._value = value
        self._tokens: list[object] = []

    def __enter__(self) -> T:
        self._tokens.append(overrides.add(self._key.name, self._value))
        return self._value

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        overrides.remove(self._key.name, self._tokens.pop())

    async def __aenter__(self) -> T:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, traceback)

    def __call__(self, decorated: F, /) -> F:
        """A test function, sync or async, or a ``TestCase`` class, so overridden."""
        given: Any = decorated
        if isclass(given):
            _decorate_class(given, self)
            return decorated
        if isgeneratorfunction(given) or isasyncgenfunction(given):
            raise TypeError(
                "override_state() would end before the first line of the generator "
                f"function {given.__qualname__}\n"
                "Write in it: with override_state(KEY, value):"
            )
        wrapped: Any = _wrapped_function(given, self)
        # For LifespanTestCase, whose lifespan starts before the function is called.
        setattr(wrapped, OVERRIDES, (self, *getattr(given, OVERRIDES, ())))
        overridden: F = wrapped
        return overridden


def _is_key(given: object) -> bool:
    return isinstance(given, StateKey)


def _wrapped_function(
    function: Callable[..., Any], override: override_state[Any]
) -> Callable[..., Any]:
    if iscoroutinefunction(function):

        @wraps(function)
        async def awaiting(*args: Any, **kwargs: Any) -> Any:
            with override:
                return await function(*args, **kwargs)

        return awaiting

    @wraps(function)
    def calling(*args: Any, **kwargs: Any) -> Any:
        with override:
            return function(*args, **kwargs)

    return calling


def _decorate_class(cls: Any, override: override_state[Any]) -> None:
    if not issubclass(cls, unittest.TestCase):
        raise TypeError(
            f"override_state() decorates functions and TestCase classes, not {cls!r}\n"
            "Decorate its test methods."
        )
    inherits = hasattr(cls, OVERRIDES)
    for name in "run", "debug":
        own = vars(cls).get(name)
        if not (inherits if own is None else hasattr(own, OVERRIDES)):
            setattr(cls, name, _overridden(cls, name))
    setattr(cls, OVERRIDES, (override, *vars(cls).get(OVERRIDES, ())))


def _overridden(cls: type, name: str) -> Callable[..., Any]:
    # Not setUp: a subclass may have its own, and not call the one it inherits.
    own: Callable[..., Any] | None = vars(cls).get(name)

    @wraps(getattr(cls, name))
    def overridden(self: Any, *args: Any, **kwargs: Any) -> Any:
        # Else it is inherited, as super() has it: mixins may stand in between.
        run = own or _inherited(self.__class__, cls, name, overridden)
        with ExitStack() as stack:
            for override in overrides_of_class(self.__class__):
                stack.enter_context(override)
            return run(self, *args, **kwargs)

    setattr(overridden, OVERRIDES, True)
    return overridden


def _inherited(
    cls: type, decorated: type, name: str, function: Callable[..., Any]
) -> Callable[..., Any]:
    order = cls.__mro__
    # A class decorator may have made the class anew, or another from it.
    last = max(
        index
        for index, base in enumerate(order)
        if base is decorated or vars(base).get(name) is function
    )
    found: Callable[..., Any] = next(
        vars(base)[name] for base in order[last + 1 :] if name in vars(base)
    )
    return found


def overrides_of_class(cls: type[Any]) -> list[override_state[Any]]:
    """What decorates *cls* and its bases, those first: a subclass has the last word."""
    return [
        override
        for base in reversed(cls.__mro__)
        for override in vars(base).get(OVERRIDES, ())
    ]
