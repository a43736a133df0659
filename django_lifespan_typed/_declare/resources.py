"""Resource: a key together with the factory that creates its value."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import (
    AbstractAsyncContextManager as ACM,
    AbstractContextManager as CM,
)
from inspect import iscoroutinefunction
from types import TracebackType
from typing import Any, Final, TypeAlias, TypeVar

from .._compat import override
from .._log import logger
from .._text import type_name
from ..exceptions import InvalidDeclaration, InvalidFactory, InvalidValue
from .example import example
from .factories import AsyncManager, Factory, as_async_manager
from .keys import StateKey
from .location import Location, calling_location, importing_module, location_of
from .signatures import unfit_signature
from .value_types import (
    annotated_type,
    closing_method,
    described,
    fits,
    is_generator,
    plain_return_type,
)

T = TypeVar("T")
H = TypeVar("H")

HealthCheck: TypeAlias = Callable[[T], object]
"""A sync or async function of a value. Unhealthy if it raises or returns False."""

NO_YIELD: Final = "is annotated as a generator, and has no yield"

_UNKNOWN: Final = object()


class Resource(StateKey[T]):
    """
    A key together with the factory that creates its value, and its dependencies.

    ``@lifespan_resource`` returns it. It can be used wherever a key can.
    """

    __slots__ = (
        "_manager_of",
        "_value_type",
        "factory",
        "health_check",
        "imported_by",
        "key",
        "needs",
        "optional",
        "start_timeout",
        "stop_timeout",
    )

    factory: Callable[..., ACM[T] | CM[T] | Awaitable[T]]
    """The decorated function or class."""
    key: StateKey[T] | None
    """The key that it was declared with; None if it was declared by name."""
    needs: tuple[StateKey[Any], ...]
    """The dependencies, whose values are passed to the factory in this order."""
    start_timeout: float | None
    """Seconds that it may take to start; None for the setting."""
    stop_timeout: float | None
    """Seconds that it may take to shut down; None for the setting."""
    optional: bool
    """True if the lifespan starts without the resource when it fails to start."""
    imported_by: str  # the module whose import has led to the declaration, or ""
    health_check: HealthCheck[T] | None
    """The function that ``health`` decorated, if any."""

    def __init__(
        self,
        name: str,
        factory: Factory,
        /,
        *,
        location: Location,
        key: StateKey[T] | None = None,
        needs: tuple[StateKey[Any], ...] = (),
        start_timeout: float | None = None,
        stop_timeout: float | None = None,
        optional: bool = False,
    ) -> None:
        super().__init__(name)
        if not callable(factory):
            raise InvalidDeclaration(
                f"lifespan resource {name!r} decorates an object of type "
                f"{type_name(type(factory))}, which cannot be called",
                location,
                _how_to_decorate(name, factory, location),
            )
        self.declared_at = location
        self.imported_by = importing_module()
        self.factory = factory
        self.key = key
        self.needs = needs
        self.start_timeout = start_timeout
        self.stop_timeout = stop_timeout
        self.optional = optional
        self.health_check = None
        self._manager_of = as_async_manager(
            factory, name, self._invalid_factory, self._warn_unclosed
        )
        self._value_type: object = _UNKNOWN

    @property
    @override
    def value_type(self) -> object | None:
        """The type from the key or from the factory's annotations; None if unknown."""
        # Read late, because annotations may name what is imported later.
        if self._value_type is _UNKNOWN:
            declared = self.key.value_type if self.key is not None else None
            self._value_type = declared or annotated_type(self.factory)
        return self._value_type

    def health(self, check: Callable[[T], H], /) -> Callable[[T], H]:
        """
        Decorate the health check of this resource::

            @cache.health
            async def answers(redis: Redis) -> None:
                await redis.ping()

        The resource is unhealthy if the check raises, returns False, or takes longer
        than ``LIFESPAN["HEALTH_TIMEOUT"]`` seconds. Sync checks run in a thread.

        :param check: a sync or async function of the value.
        :return: the same function.

        Raises ``InvalidDeclaration`` if the check cannot be called with the value,
        and for a second check.
        """
        problem = _check_problem(check)
        if self.health_check is not None:
            problem = f"is declared twice, first at {location_of(self.health_check)}"
        if problem:
            raise InvalidDeclaration(
                f"the health check of lifespan resource {self.name!r} {problem}",
                calling_location(),
                f"Decorate one function of one parameter, the value of {self.name!r}.",
            )
        self.health_check = check
        return check

    def open(self, *needs: object) -> ACM[T]:
        """
        Return a context manager that creates the value::

            async with catalogue.open(fake_client) as books:
                ...

        :param needs: the values of the dependencies, in the order of ``needs=``.

        Raises ``InvalidFactory`` if the factory does not produce exactly one value,
        and ``InvalidValue`` if the value is not of the resource's type.
        """
        return _CheckedManager(self, self._manager_of, needs)

    def check_value(self, value: object) -> InvalidFactory | InvalidValue | None:
        """Return the exception for a *value* of the wrong type, or None."""
        expected = self.value_type
        if expected is None or fits(value, expected):
            return None
        # A coroutine function with a generator's annotation: the yield is missing.
        is_annotation = value is None or annotated_type(self.factory) == expected
        if is_generator(expected) and is_annotation:
            return self._invalid_factory(NO_YIELD, "Yield the value")
        key = self.key.declared_at if self.key is not None else self.declared_at
        return InvalidValue(
            self.name, self.declared_at, value, described(expected), key
        )

    def _invalid_factory(self, problem: str, advice: str) -> InvalidFactory:
        fix = f"{advice}:{generator_for(self)}"
        return InvalidFactory(self.name, self.declared_at, problem, fix)

    def _warn_unclosed(self, value: object) -> None:
        problem, fix = unclosed(self, type(value))
        location = self.declared_at.draw()
        logger.warning("%s", f"{problem}\n{location}\n{fix}")


class _CheckedManager(ACM[T]):
    """Opens a resource, and checks its value."""

    __slots__ = ("_manager", "_manager_of", "_needs", "_resource")

    def __init__(
        self,
        resource: Resource[T],
        manager_of: Callable[..., AsyncManager],
        needs: tuple[object, ...],
    ) -> None:
        self._resource = resource
        self._manager_of = manager_of
        self._needs = needs

    @override
    async def __aenter__(self) -> T:
        self._manager = manager = self._manager_of(*self._needs)
        value: T = await manager.__aenter__()
        wrong = self._resource.check_value(value)
        if wrong is not None:
            # The factory may swallow it.
            await manager.__aexit__(type(wrong), wrong, wrong.__traceback__)
            raise wrong
        return value

    @override
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        return await self._manager.__aexit__(kind, error, traceback)


def generator_for(
    resource: Resource[Any], value: str = "...", *, closing: str = ""
) -> str:
    """Return the code of a generator to write in place of the factory."""
    return example(
        resource.name,
        resource.declared_at,
        resource.factory,
        needs=resource.needs,
        value_type=resource.value_type or plain_return_type(resource.factory),
        value=value,
        closing=closing,
    )


def unclosed(resource: Resource[Any], cls: type) -> tuple[str, str]:
    """Return problem and fix for a *resource* whose value of class *cls* stays open."""
    method = closing_method(cls)
    call = f"value.{method}()"
    if iscoroutinefunction(getattr(cls, method)):
        call = f"await {call}"
    problem = (
        f"lifespan resource {resource.name!r} returns a value of type "
        f"{type_name(cls)}, which is never closed"
    )
    code = generator_for(resource, closing=call)
    return problem, f"To close it at shutdown, yield it:{code}"


def _how_to_decorate(name: str, given: Any, location: Location) -> str:
    if given.__class__ is classmethod:
        method = given.__func__.__qualname__
        return f"Move {method} out of its class, to module level."
    return f"Decorate a function or a class:{example(name, location, given)}"


def _check_problem(check: object) -> str:
    if not callable(check):
        return f"is of type {type_name(type(check))}, which cannot be called"
    takes = unfit_signature(check, [object()])
    return f"takes {takes}, not only the value" if takes is not None else ""
