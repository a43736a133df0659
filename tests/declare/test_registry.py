"""Registries: one name, one owner; one manager, once."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import pytest

from django_lifespan_typed import Lifespan, Registry, StateKey, lifespan_resource
from django_lifespan_typed.exceptions import (
    DuplicateName,
    InvalidDeclaration,
    InvalidFactory,
)
from django_lifespan_typed.register import register_lifespan_manager

from .probes import Probes, next_line, phases


@asynccontextmanager
async def gives_one() -> AsyncGenerator[dict[str, Any]]:
    yield {"one": 1}


@asynccontextmanager
async def gives_one_too() -> AsyncGenerator[dict[str, Any]]:
    yield {"one": 1, "two": 2}


def test_is_read_like_a_dictionary(registry: Registry, probes: Probes) -> None:
    """By name or by key, in the order of registration."""
    probes.add_chain("b", "a")

    assert [resource.name for resource in registry] == ["b", "a"]
    assert len(registry) == 2
    assert "a" in registry
    assert StateKey[Any]("a") in registry
    assert "c" not in registry
    assert registry["a"] is probes.resources["a"]
    assert repr(registry) == "<Registry of b, a>"
    assert repr(Registry()) == "<Registry of nothing>"


def test_a_copy_goes_its_own_way(registry: Registry, probes: Probes) -> None:
    """What is added to it, or to the original, is not added to the other."""
    probes.add("both")
    register_lifespan_manager(context_manager=gives_one, registry=registry)

    copy = registry.copy()
    probes.add("original")
    register_lifespan_manager(context_manager=gives_one_too, registry=copy)
    Probes(copy, []).add("copied")

    assert [resource.name for resource in registry] == ["both", "original"]
    assert [resource.name for resource in copy] == ["both", "copied"]
    assert len(registry.managers) == 1
    assert len(copy.managers) == 2


@pytest.mark.parametrize(
    "manager", [gives_one, partial(gives_one)], ids=["function", "partial"]
)
async def test_a_manager_opens_once_however_often_it_is_registered(
    manager: Any, registry: Registry
) -> None:
    """``AppConfig.ready()`` may be called twice."""
    for _ in range(3):
        register_lifespan_manager(context_manager=manager, registry=registry)

    async with Lifespan(registry) as state:
        assert dict(state) == {"one": 1}

    assert len(registry.managers) == 1


async def test_managers_of_one_name_are_told_apart(registry: Registry) -> None:
    """Each is a resource of its own in the status."""

    def make(name: str) -> Any:
        @asynccontextmanager
        async def manager() -> AsyncGenerator[dict[str, Any]]:
            yield {name: name}

        return manager

    for name in "abc":
        register_lifespan_manager(context_manager=make(name), registry=registry)
    lifespan = Lifespan(registry)
    called = (
        f"manager {__name__}.test_managers_of_one_name_are_told_apart"
        ".<locals>.make.<locals>.manager"
    )

    async with lifespan as state:
        assert dict(state) == {"a": "a", "b": "b", "c": "c"}
        assert phases(lifespan) == {
            called: "running",
            f"{called} #2": "running",
            f"{called} #3": "running",
        }


async def test_two_managers_of_one_name_are_refused_at_the_start(
    registry: Registry,
) -> None:
    """Only then is it known what they yield; both places are named."""
    first = next_line()
    register_lifespan_manager(context_manager=gives_one, registry=registry)
    second = next_line()
    register_lifespan_manager(context_manager=gives_one_too, registry=registry)

    with pytest.raises(DuplicateName) as caught:
        await Lifespan(registry).__aenter__()

    written = "register_lifespan_manager(context_manager="
    assert str(caught.value) == (
        "the name 'one' on the lifespan state has two owners\n"
        f"    {first}  {written}gives_one, registry=registry)\n"
        f"    {second}  {written}gives_one_too, registry=registry)\n"
        "Rename one of them, or remove it: one name, one owner."
    )


async def test_a_manager_may_not_take_the_name_of_a_resource(
    registry: Registry,
) -> None:
    """Whichever of the two starts first."""
    declare: Any = lifespan_resource

    first = next_line()
    declare("one", registry=registry)(gives_one)
    second = next_line()
    register_lifespan_manager(context_manager=gives_one, registry=registry)

    with pytest.raises(DuplicateName) as caught:
        await Lifespan(registry).__aenter__()

    assert str(caught.value) == (
        "the name 'one' on the lifespan state has two owners\n"
        f'    {first}  declare("one", registry=registry)(gives_one)\n'
        f"    {second}  "
        "register_lifespan_manager(context_manager=gives_one, registry=registry)\n"
        "Rename one of them, or remove it: one name, one owner."
    )


async def test_a_bare_yield_in_a_manager_is_refused(registry: Registry) -> None:
    """A manager yields names and values."""

    @asynccontextmanager
    async def bare() -> AsyncGenerator[Any]:
        yield

    here = next_line()
    register_lifespan_manager(context_manager=bare, registry=registry)

    with pytest.raises(InvalidFactory) as caught:
        await Lifespan(registry).__aenter__()

    name = f"manager {__name__}.test_a_bare_yield_in_a_manager_is_refused.<locals>.bare"
    assert str(caught.value) == (
        f"lifespan resource {name!r} yielded None, not names and values\n"
        f"    {here}  "
        "register_lifespan_manager(context_manager=bare, registry=registry)\n"
        'Write: yield {"some_name": value}'
    )


async def test_a_manager_that_swallows_errors_is_refused_all_the_same(
    registry: Registry,
) -> None:
    """It cannot keep the start from failing, nor from ending."""

    @asynccontextmanager
    async def swallows() -> AsyncGenerator[Any]:
        with suppress(Exception):
            yield

    register_lifespan_manager(context_manager=swallows, registry=registry)

    with pytest.raises(InvalidFactory):
        await Lifespan(registry).__aenter__()


def test_refuses_a_manager_that_was_called_already(registry: Registry) -> None:
    """The function is registered, not what it returns."""
    given: Any = {"one": 1}

    with pytest.raises(InvalidDeclaration) as caught:
        here = next_line()
        register_lifespan_manager(context_manager=given, registry=registry)

    assert str(caught.value) == (
        "a lifespan manager is {'one': 1}, which cannot be called\n"
        f"    {here}  "
        "register_lifespan_manager(context_manager=given, registry=registry)\n"
        "Pass the function that @asynccontextmanager decorates, uncalled."
    )


async def test_managers_stay_out_of_a_lifespan_of_some_resources(
    registry: Registry, probes: Probes
) -> None:
    """``only=`` names what starts, and no manager is named."""
    probes.add("it")
    register_lifespan_manager(context_manager=gives_one, registry=registry)

    async with Lifespan(registry, only=(probes.resources["it"],)) as state:
        assert list(state) == ["it"]
