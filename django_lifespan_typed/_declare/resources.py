"""Resources: keys that know how to make their own value."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import (
    AbstractAsyncContextManager as ACM,
    AbstractContextManager as CM,
    asynccontextmanager,
)
from typing import Any, Final, TypeAlias, TypeVar, final

from .._compat import override
from ..exceptions import InvalidDeclaration, InvalidFactory, InvalidValue
from .factories import Factory, NeverYielded, NotAFactory, YieldedTwice, opener
from .keys import StateKey
from .location import Location, calling_location, location_of
from .signatures import mismatch
from .value_types import described, fits, is_generator, promised

T = TypeVar("T")
H = TypeVar("H")

HealthCheck: TypeAlias = Callable[[T], object]
"""
A sync or async function of a value, which says whether it still works: it raises, or
returns False, if not.
"""

_NOT_YET: Final = object()


@final
class Resource(StateKey[T]):
    """
    A key that knows how to make its own value, and what it needs for that.

    Made by ``@lifespan_resource``; a view may name it wherever it may name a key.
    """

    __slots__ = (
        "_open",
        "_value_type",
        "factory",
        "health_check",
        "key",
        "needs",
        "optional",
        "start_timeout",
        "stop_timeout",
    )

    factory: Callable[..., ACM[T] | CM[T] | Awaitable[T]]
    """What was decorated."""
    key: StateKey[T] | None
    """The key that it was declared with; None where it was declared by name."""
    needs: tuple[StateKey[Any], ...]
    """What is passed to the factory, in this order."""
    start_timeout: float | None
    """Seconds that it may take to start; None for the setting's."""
    stop_timeout: float | None
    """Seconds that it may take to stop; None for the setting's."""
    optional: bool
    """Whether the lifespan goes on without it where it fails to start."""
    health_check: HealthCheck[T] | None
    """What says whether its value still works; see ``health``."""

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
                f"lifespan resource {name!r} is made by {factory!r}, "
                "which cannot be called",
                location,
                "Decorate a function or a class:" + _EXAMPLE.format(name=name),
            )
        self.declared_at = location
        self.factory = factory
        self.key = key
        self.needs = needs
        self.start_timeout = start_timeout
        self.stop_timeout = stop_timeout
        self.optional = optional
        self.health_check = None
        self._open = opener(factory, name)
        self._value_type: object = _NOT_YET

    @property
    @override
    def value_type(self) -> object | None:
        """The key's type, or what the factory's annotations promise; else None."""
        # Found once, and late: annotations may name what is imported later.
        if self._value_type is _NOT_YET:
            declared = self.key.value_type if self.key is not None else None
            self._value_type = declared or promised(self.factory)
        return self._value_type

    def health(self, check: Callable[[T], H], /) -> Callable[[T], H]:
        """
        Decorates a sync or async function that says whether the value still works::

            @cache.health
            async def pings(redis: Redis) -> None:
                await redis.ping()

        Healthy is what returns anything but False and raises nothing, within
        ``LIFESPAN["HEALTH_TIMEOUT"]`` seconds. Sync checks run in a thread. Returns
        *check*. Raises ``InvalidDeclaration`` for what cannot be called with the
        value, and for a second check.
        """
        problem = _wrong_check(check)
        remedy = (
            f"Write: @{self.name}.health on one function of one parameter, the value."
        )
        if self.health_check is not None:
            first = location_of(self.health_check)
            problem = f"has another, at {first}"
        if problem:
            raise InvalidDeclaration(
                f"the health check of lifespan resource {self.name!r} {problem}",
                calling_location(),
                remedy,
            )
        self.health_check = check
        return check

    @asynccontextmanager
    async def open(self, *needs: object) -> AsyncGenerator[T]:
        """
        Make the value out of *needs*, and unmake it when the block ends::

            async with catalogue.open(fake_client) as books:
                ...

        Raises ``InvalidFactory`` where the factory makes no value or more than
        one, ``InvalidValue`` where the value is not of the key's type.
        """
        wrong: InvalidFactory | InvalidValue | None = None
        try:
            async with self._open(*needs) as value:
                wrong = self._wrong(value)
                if wrong is not None:
                    raise wrong
                yield value
        except NotAFactory as error:
            raise self._makes_no_value(
                f"is made by a plain function, which returned {error}",
                "Write async def where there is nothing to close, or yield the value:",
            ) from None
        except NeverYielded:
            problem = "is made by a generator that ended without a yield"
        except YieldedTwice:
            problem = "is made by a generator that yielded twice"
        else:
            if wrong is not None:
                raise wrong  # the factory has swallowed it
            return
        raise self._makes_no_value(problem)

    def _makes_no_value(
        self, problem: str, advice: str = "Yield the value once:"
    ) -> InvalidFactory:
        return InvalidFactory(
            self.name,
            self.declared_at,
            problem,
            advice + _EXAMPLE.format(name=self.name),
        )

    def _wrong(self, value: object) -> InvalidFactory | InvalidValue | None:
        expected = self.value_type
        if expected is None or fits(value, expected):
            return None
        # Of a coroutine function: what it returns is what it was to yield.
        is_meant = value is None or promised(self.factory) == expected
        if is_generator(expected) and is_meant:
            return self._makes_no_value("is annotated as a generator, and has no yield")
        key = self.key.declared_at if self.key is not None else self.declared_at
        return InvalidValue(
            self.name, self.declared_at, value, described(expected), key
        )


def _wrong_check(check: object) -> str:
    if not callable(check):
        return f"is {check!r}, which cannot be called"
    wrong = mismatch(check, [object()])
    return f"takes {wrong[0]}, not the value alone" if wrong else ""


_EXAMPLE = """
    @lifespan_resource("{name}")
    async def {name}() -> AsyncGenerator[SomeType]:
        async with ... as value:
            yield value"""
