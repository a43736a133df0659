"""override_state: replaces a value of the lifespan state during a test."""

from __future__ import annotations

import unittest
from collections.abc import Callable
from functools import wraps
from inspect import isasyncgenfunction, isclass, isgeneratorfunction
from itertools import chain
from typing import Any, Final, Generic, Protocol, TypeVar

from asgiref.sync import iscoroutinefunction

from .._declare.keys import StateKey, wrong_key
from .._runtime.overrides import overrides
from .live_server import refuse_running_server, refuse_spawned_server

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

_OVERRIDES: Final = "__lifespan_overrides__"


class OverrideState(Protocol):
    """
    The type of pytest's fixture ``override_state``, for annotations::

        @pytest.fixture
        def http(override_state: OverrideState) -> FakeHTTP:
            fake = FakeHTTP()
            override_state(HTTP, fake)
            return fake

    It overrides as the class ``override_state`` does, until the test ends.
    """

    def __call__(self, key: StateKey[T], value: T, /) -> T:
        """Override the key, and return the value."""
        ...


class override_state(Generic[T]):  # noqa: N801 - named as Django's override_settings
    """
    Replaces a value of the state during a block, a test or a test case::

        with override_state(HTTP, fake):
            ...

        @override_state(HTTP, fake)
        async def test_search(...): ...

        @override_state(HTTP, fake)
        class SearchTests(LifespanTestCase, TestCase): ...

    A lifespan that starts in the meantime starts neither the real resource nor the
    dependencies that only it has, and passes the override to its dependents. In a
    running lifespan the value is replaced and restored; dependents keep the value
    that they were created with. Overrides nest, and apply to every thread of the
    process.

    On a class, it begins before ``setUpClass`` and ends after ``tearDownClass``, so
    that a live server which ``setUpClass`` starts has it, too. Where a subclass
    defines ``setUpClass``, it begins with ``super().setUpClass()``.

    :param key: the key or resource to override.
    :param value: the value to use in its place.

    Raises ``TypeError`` for a key that is not one, and where it decorates a generator
    function or a class that is not a ``TestCase``; ``RuntimeError`` in a test of
    ``ChannelsLiveServerTestCase`` whose server, a process, cannot see it.
    """

    def __init__(self, key: StateKey[T], value: T, /) -> None:
        given: Any = key
        if not isinstance(given, StateKey):
            raise TypeError(
                "override_state() takes a StateKey or a Resource, not "
                f"{wrong_key(given)}"
            )
        self._key = key
        self._value = value
        self._tokens: list[object] = []

    def __enter__(self) -> T:
        self._tokens.append(overrides.add(self._key.name, self._value))
        return self._value

    def __exit__(self, *_: object) -> None:
        overrides.remove(self._key.name, self._tokens.pop())

    async def __aenter__(self) -> T:
        return self.__enter__()

    async def __aexit__(self, *_: object) -> None:
        self.__exit__()

    def __call__(self, decorated: F, /) -> F:
        """Decorate a test function, sync or async, or a ``TestCase`` class."""
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
        wrapped: Any = _decorated_function(given, self)
        setattr(wrapped, _OVERRIDES, (self, *overrides_of(given)))
        result: F = wrapped
        return result


def overrides_of(test: object) -> tuple[override_state[Any], ...]:
    """Return the decorators of a class or a test function, outermost first."""
    found: tuple[override_state[Any], ...] = getattr(test, _OVERRIDES, ())
    return found


def decorators_of(
    cls: type[Any] | None, function: object
) -> tuple[override_state[Any], ...]:
    """
    Return the decorators of a test: those of its class and bases, then its own.

    A lifespan starts before the decorated function is called. The overrides of the
    class have begun by then, and begin again: others for all tests may have followed.
    """
    bases = [base for base in (cls or object).__mro__ if _OVERRIDES in vars(base)]
    # A subclass overrides its bases.
    found = [*map(overrides_of, reversed(bases)), overrides_of(function)]
    return tuple(chain.from_iterable(found))


def _decorated_function(
    function: Any, override: override_state[Any]
) -> Callable[..., Any]:
    if iscoroutinefunction(function):

        @wraps(function)
        async def async_wrapper(*args: Any, **kwargs: Any) -> Any:
            refuse_running_server(function.__name__, args)
            with override:
                return await function(*args, **kwargs)

        return async_wrapper

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        refuse_running_server(function.__name__, args)
        with override:
            return function(*args, **kwargs)

    return wrapper


def _decorate_class(cls: type[Any], override: override_state[Any]) -> None:
    if not issubclass(cls, unittest.TestCase):
        raise TypeError(
            f"override_state() decorates functions and TestCase classes, not "
            f"the class {cls.__qualname__}\n"
            "Decorate its test methods."
        )
    if _OVERRIDES not in vars(cls):
        _wrap_set_up_class(cls)
    setattr(cls, _OVERRIDES, (override, *vars(cls).get(_OVERRIDES, ())))


def _wrap_set_up_class(decorated: Any) -> None:
    undecorated: Any = decorated.__dict__.get("setUpClass")

    def setUpClass(cls: Any) -> None:
        bases = [base for base in cls.__mro__ if _OVERRIDES in vars(base)]
        # The first decorated class in the MRO enters the overrides of all of them.
        if bases[0] is decorated:
            refuse_spawned_server(cls)
            for override in decorators_of(cls, None):
                override.__enter__()
                # The first cleanup to be added runs last, and after tearDownClass.
                cls.addClassCleanup(override.__exit__)
        if undecorated is not None:
            undecorated.__get__(None, cls)()
        else:
            # Unknown to pyright: super() of a variable.
            super(decorated, cls).setUpClass()  # pyright: ignore[reportUnknownMemberType]

    decorated.setUpClass = classmethod(setUpClass)
