"""AsyncExitStack: one after the other, in an order that the author wrote down."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from tests.benchmarks.shapes import Shape

from .value import Start, factories


def starting(shape: Shape, pause: float) -> Start:
    managers = [asynccontextmanager(factory) for factory in factories(shape, pause)]

    @asynccontextmanager
    async def run() -> AsyncGenerator[object, None]:
        values: list[Any] = []
        async with AsyncExitStack() as stack:
            for manager, needs in zip(managers, shape, strict=True):
                wanted = [values[need] for need in needs]
                values.append(await stack.enter_async_context(manager(*wanted)))
            yield values

    return run
