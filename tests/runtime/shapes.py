"""Every way to write a factory, as a function from a probe to a factory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .probes import Probe

Factory = Callable[..., Any]


@dataclass(frozen=True)
class Shape:
    """A way to write a factory."""

    make: Callable[[Probe], Factory]
    blocking: bool = False
    closes: bool = True

    def __str__(self) -> str:
        return self.make.__name__


def async_generator_function(probe: Probe) -> Factory:
    async def factory(*needs: object) -> AsyncIterator[Any]:
        value = await probe.open(*needs)
        try:
            yield value
        finally:
            await probe.close()

    return factory


def generator_function(probe: Probe) -> Factory:
    def factory(*needs: object) -> Iterator[Any]:
        value = probe.open_blocking(*needs)
        try:
            yield value
        finally:
            probe.close_blocking()

    return factory


def async_context_manager_function(probe: Probe) -> Factory:
    return asynccontextmanager(async_generator_function(probe))


def context_manager_function(probe: Probe) -> Factory:
    return contextmanager(generator_function(probe))


def async_class(probe: Probe) -> Factory:
    class Pool:
        def __init__(self, *needs: object) -> None:
            self.needs = needs

        async def __aenter__(self) -> Any:
            return await probe.open(*self.needs)

        async def __aexit__(self, *_: object) -> None:
            await probe.close()

    return Pool


def blocking_class(probe: Probe) -> Factory:
    class Pool:
        def __init__(self, *needs: object) -> None:
            self.needs = needs

        def __enter__(self) -> Any:
            return probe.open_blocking(*self.needs)

        def __exit__(self, *_: object) -> None:
            probe.close_blocking()

    return Pool


def async_and_blocking_class(probe: Probe) -> Factory:
    class Pool(async_class(probe)):  # type: ignore[misc]
        def __enter__(self) -> Any:
            raise AssertionError("the async way is preferred")

        def __exit__(self, *_: object) -> None:
            raise AssertionError("the async way is preferred")

    return Pool


def awaitable_class(probe: Probe) -> Factory:
    """Return a pool as asyncpg has it, which ``await`` would open for good."""

    class Pool(async_class(probe)):  # type: ignore[misc]
        def __await__(self) -> Generator[Any, None, Any]:
            raise AssertionError("it would never be closed")

    return Pool


def function_that_returns_async(probe: Probe) -> Factory:
    made = async_class(probe)
    return lambda *needs: made(*needs)


def function_that_returns_blocking(probe: Probe) -> Factory:
    made = blocking_class(probe)
    return lambda *needs: made(*needs)


def coroutine_function(probe: Probe) -> Factory:
    async def factory(*needs: object) -> Any:
        return await probe.open(*needs)

    return factory


def function_that_returns_awaitable(probe: Probe) -> Factory:
    def factory(*needs: object) -> Awaitable[Any]:
        return asyncio.ensure_future(probe.open(*needs))

    return factory


def partial_of_async(probe: Probe) -> Factory:
    async def factory(word: str, *needs: object) -> AsyncIterator[Any]:
        assert word == "given"
        async with async_context_manager_function(probe)(*needs) as value:
            yield value

    return partial(factory, "given")


def callable_instance_async(probe: Probe) -> Factory:
    class Clients:
        async def connect(self, *needs: object) -> AsyncIterator[Any]:
            async with async_context_manager_function(probe)(*needs) as value:
                yield value

        __call__ = connect

    return Clients()


def bound_async_method(probe: Probe) -> Factory:
    clients: Any = callable_instance_async(probe)
    return clients.connect  # type: ignore[no-any-return]


def callable_instance_coroutine(probe: Probe) -> Factory:
    class Maker:
        async def __call__(self, *needs: object) -> Any:
            return await probe.open(*needs)

    return Maker()


SHAPES = [
    Shape(async_generator_function),
    Shape(async_context_manager_function),
    Shape(async_class),
    Shape(async_and_blocking_class),
    Shape(function_that_returns_async),
    Shape(awaitable_class),
    Shape(bound_async_method),
    Shape(partial_of_async),
    Shape(callable_instance_async),
    Shape(generator_function, blocking=True),
    Shape(context_manager_function, blocking=True),
    Shape(blocking_class, blocking=True),
    Shape(function_that_returns_blocking, blocking=True),
    Shape(coroutine_function, closes=False),
    Shape(callable_instance_coroutine, closes=False),
    Shape(function_that_returns_awaitable, closes=False),
]
CLOSING = [shape for shape in SHAPES if shape.closes]
