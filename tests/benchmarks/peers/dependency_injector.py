"""dependency-injector: resource providers in a container."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from dependency_injector import containers, providers

from tests.benchmarks.shapes import Shape

from .value import KINDS, generator


def starting(
    shape: Shape, pause: float
) -> Callable[[], AbstractAsyncContextManager[object]]:
    container: Any = containers.DynamicContainer()
    resources: list[Any] = []
    for number, needs in enumerate(shape):
        made = generator(KINDS[number], [KINDS[need] for need in needs], pause)
        wanted = [resources[need] for need in needs]
        resources.append(providers.Resource(made, *wanted))
        container.set_provider(f"resource_{number}", resources[-1])

    @asynccontextmanager
    async def run() -> AsyncGenerator[object, None]:
        await container.init_resources()
        try:
            yield container
        finally:
            # Its own shutdown_resources() looks at each pair, once for each layer.
            for resource in reversed(resources):
                await resource.shutdown()

    return run
