"""register_lifespan_manager: names and values from a context manager."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from django_lifespan_typed import Lifespan, Registry, lifespan_resource
from django_lifespan_typed.exceptions import InvalidFactory
from django_lifespan_typed.handler import LifespanASGIHandler
from django_lifespan_typed.register import register_lifespan_manager
from django_lifespan_typed.types import LifespanManager

from .server import json_of, serving


@pytest.fixture
def clients(journal: list[str]) -> Callable[[], Any]:
    """A manager of two values, noted in the journal."""

    @asynccontextmanager
    async def clients() -> LifespanManager:
        journal.append("+clients")
        yield {"one": 1, "two": 2}
        journal.append("-clients")

    return clients


async def test_requests_have_the_values_of_managers_in_each_lifespan(
    registry: Registry, clients: Any, journal: list[str]
) -> None:
    @lifespan_resource("three", registry=registry)
    async def three() -> int:
        return 3

    register_lifespan_manager(context_manager=clients, registry=registry)
    handler = LifespanASGIHandler(registry)
    names = []
    for _ in range(2):
        async with serving(handler, {}) as server:
            names.append(json_of(await server.request("/names")))

    assert names == [["one", "three", "two"]] * 2
    assert journal == ["+clients", "-clients"] * 2


# --- Errors


@pytest.mark.parametrize(
    ("yielded", "problem"),
    [
        pytest.param(None, "not a mapping", id="bare yield"),
        pytest.param(["one"], "not a mapping", id="names without values"),
        pytest.param({"one": 1, int: 2}, "not a string", id="a name that is no string"),
    ],
)
async def test_a_manager_must_yield_names_and_values(
    registry: Registry, yielded: Any, problem: str
) -> None:
    @asynccontextmanager
    async def wrong() -> AsyncIterator[Any]:
        yield yielded

    register_lifespan_manager(context_manager=wrong, registry=registry)

    with pytest.raises(InvalidFactory, match=problem) as caught:
        async with Lifespan(registry):
            raise AssertionError("it never starts")

    (manager,) = registry.managers
    assert caught.value.name == manager.name
    assert manager.declared_at.draw() in str(caught.value)
