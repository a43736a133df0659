"""dependency-injector: resource providers in a container."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from dependency_injector import containers, providers

from tests.benchmarks.shapes import Shape

from .value import Start, factories


def starting(shape: Shape, pause: float) -> Start:
    container: Any = containers.DynamicContainer()
    resources: list[Any] = []
    for factory, needs in zip(factories(shape, pause), shape, strict=True):
        wanted = [resources[need] for need in needs]
        resource = providers.Resource(factory, *wanted)
        container.set_provider(f"resource_{len(resources)}", resource)
        resources.append(resource)

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
