"""Fixtures for resources that record their startup and shutdown in a journal."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from django_lifespan_typed import (
    Registry,
    Resource,
    StateKey,
    current_state,
    lifespan_resource,
)
from django_lifespan_typed.exceptions import LifespanNotRunning
from django_lifespan_typed.middleware import LifespanStateMiddleware

Add = Callable[..., Resource[str]]


@pytest.fixture
def add(registry: Registry, journal: list[str]) -> Add:
    """
    Registers a resource that depends on *needs*.

    *fails* is "start" or "stop"; *health* is its health check.
    """

    def adding(
        name: str,
        *needs: StateKey[Any],
        fails: str = "",
        health: Callable[[str], object] | None = None,
        **options: Any,
    ) -> Resource[str]:
        async def resource(*values: str) -> AsyncGenerator[str]:
            journal.append(f"+{name}")
            if fails == "start":
                raise ConnectionError(name)
            yield f"{name}({','.join(values)})"
            journal.append(f"-{name}")
            if fails == "stop":
                raise ConnectionError(name)

        declare: Any = lifespan_resource(
            name, registry=registry, needs=needs, **options
        )
        declared: Resource[str] = declare(resource)
        if health is not None:
            declared.health(health)
        return declared

    return adding


@pytest.fixture
def nothing_is_left() -> Generator[None]:
    """Check after the test that no lifespan runs and that no override is left."""
    yield
    with pytest.raises(LifespanNotRunning):
        current_state()
    request: Any = RequestFactory().get("/")
    LifespanStateMiddleware(lambda _: HttpResponse())(request)
    assert {**request.state} == {}
