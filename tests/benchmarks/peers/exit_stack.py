"""AsyncExitStack: one after the other, in an order that the author wrote down."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
)
from typing import Any

from tests.benchmarks.shapes import Shape

from .value import KINDS, generator


def starting(
    shape: Shape, pause: float
) -> Callable[[], AbstractAsyncContextManager[object]]:
    managers = [
        asynccontextmanager(
            generator(KINDS[number], [KINDS[need] for need in needs], pause)
        )
        for number, needs in enumerate(shape)
    ]

    @asynccontextmanager
    async def run() -> AsyncGenerator[object, None]:
        values: list[Any] = []
        async with AsyncExitStack() as stack:
            for manager, needs in zip(managers, shape, strict=True):
                wanted = [values[need] for need in needs]
                values.append(await stack.enter_async_context(manager(*wanted)))
            yield values

    return run
