"""Fixtures of the tests of the system checks."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, Protocol

import pytest

from django_lifespan_typed import Registry, Resource, StateKey, lifespan_resource


class Declare(Protocol):
    """The type of the fixture ``declare``."""

    def __call__(
        self, name: str, *needs: str, stop: float | None = None
    ) -> Resource[Any]: ...


@pytest.fixture
def declare(registry: Registry) -> Declare:
    """Declares a resource that has cleanup, with these dependencies."""

    def declare(name: str, *needs: str, stop: float | None = None) -> Resource[Any]:
        async def factory(*_: object) -> AsyncGenerator[object, None]:
            yield object()

        return lifespan_resource(
            StateKey[object](name),
            needs=tuple(StateKey[Any](need) for need in needs),
            stop_timeout=stop,
            registry=registry,
        )(factory)

    return declare
