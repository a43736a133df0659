"""Registry: unique names, and managers that are kept once."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from django_lifespan_typed import Lifespan, Registry, StateKey, lifespan_resource
from django_lifespan_typed.exceptions import DuplicateName, InvalidDeclaration
from django_lifespan_typed.register import register_lifespan_manager
from tests.runtime.probes import Probes, next_line

declare: Any = lifespan_resource


@asynccontextmanager
async def one() -> AsyncGenerator[dict[str, Any]]:
    yield {"one": 1}


@asynccontextmanager
async def one_and_two() -> AsyncGenerator[dict[str, Any]]:
    yield {"one": 1, "two": 2}


def test_a_registry_is_read_like_a_mapping(registry: Registry, probes: Probes) -> None:
    probes.add_chain("b", "a")
    key = StateKey[Any]("a")

    assert [resource.name for resource in registry] == ["b", "a"]
    assert len(registry) == 2
    assert "a" in registry
    assert key in registry
    assert "c" not in registry
    assert registry["a"] is registry[key] is probes.resources["a"]
    assert repr(registry) == "<Registry of 'a', 'b'>"
    assert repr(Registry()) == "<Registry of nothing>"


class Provider:
    manager = one


@pytest.mark.parametrize(
    "get", [lambda p: one, lambda p: p.manager], ids=["function", "method"]
)
def test_a_manager_is_kept_once(get: Any, registry: Registry) -> None:
    """``AppConfig.ready()`` may be called twice; each access makes a new method."""
    provider = Provider()

    for _ in range(3):
        register_lifespan_manager(context_manager=get(provider), registry=registry)

    assert len(registry.managers) == 1


def test_managers_of_one_name_are_numbered(registry: Registry) -> None:
    for _ in range(3):
        manager = asynccontextmanager(one_and_two.__wrapped__)  # type: ignore[attr-defined]
        register_lifespan_manager(context_manager=manager, registry=registry)

    first = f"manager {__name__}.one_and_two"
    names = [manager.name for manager in registry.managers]
    assert names == [first, f"{first} #2", f"{first} #3"]


@pytest.mark.parametrize("other", ["manager", "resource"])
async def test_a_manager_cannot_yield_a_name_twice(
    other: str, registry: Registry
) -> None:
    """The names are known only when it has started."""
    if other == "resource":
        declare("one", registry=registry)(one)
    else:
        register_lifespan_manager(context_manager=one, registry=registry)
    register_lifespan_manager(context_manager=one_and_two, registry=registry)

    with pytest.raises(DuplicateName) as caught:
        await Lifespan(registry).__aenter__()

    assert caught.value.name == "one"
    assert len(caught.value.locations) == 2


def test_a_manager_that_was_called_is_refused(registry: Registry) -> None:
    given: Any = {"one": 1}

    with pytest.raises(InvalidDeclaration) as caught:
        here = next_line()
        register_lifespan_manager(context_manager=given, registry=registry)

    assert str(caught.value) == (
        "a lifespan manager is of type dict, which cannot be called\n"
        f"    {here}  "
        "register_lifespan_manager(context_manager=given, registry=registry)\n"
        "Pass the function that @asynccontextmanager decorates, without calling it."
    )


async def test_only_leaves_out_managers(registry: Registry, probes: Probes) -> None:
    probes.add("it")
    register_lifespan_manager(context_manager=one, registry=registry)

    async with Lifespan(registry, only=(probes.resources["it"],)) as state:
        assert list(state) == ["it"]
