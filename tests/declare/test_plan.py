"""Plans: who needs whom, and what is wrong with that."""

from __future__ import annotations

from typing import Any

import pytest

from django_lifespan_typed import Lifespan, Registry, StateKey, lifespan_resource
from django_lifespan_typed._declare.plan import Plan
from django_lifespan_typed.exceptions import (
    DependencyCycle,
    MissingDependency,
    StateNotFound,
)

from .probes import Probes, next_line

declare: Any = lifespan_resource


def key(name: str) -> StateKey[Any]:
    return StateKey[Any](name)


async def anything(*_: object) -> object:
    return object()


def test_orders_resources_after_their_needs(registry: Registry, probes: Probes) -> None:
    """Whatever the order of their registration."""
    probes.add("d", "b", "c")
    probes.add("b", "a")
    probes.add("c", "a")
    probes.add("a")

    plan = Plan(registry)

    assert [resource.name for resource in plan.order] == ["a", "b", "c", "d"]
    assert plan.dependencies == {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}
    assert plan.dependents == {"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}


def test_a_need_that_is_named_twice_is_one_need(
    registry: Registry, probes: Probes
) -> None:
    """It is passed twice, and waited for once."""
    probes.add("a")
    probes.add("b", "a", "a")

    plan = Plan(registry)

    assert plan.dependencies["b"] == ("a",)
    assert plan.dependents["a"] == ["b"]


def test_takes_what_is_needed_and_no_more(registry: Registry, probes: Probes) -> None:
    """``only=`` and what that needs."""
    probes.add("a")
    probes.add("b", "a")
    probes.add("c", "b")
    probes.add("d")

    plan = Plan(registry, [key("b"), probes.resources["a"]])

    assert [resource.name for resource in plan.order] == ["a", "b"]


@pytest.mark.parametrize(
    ("finished", "path"),
    [
        pytest.param({}, [], id="nothing started"),
        pytest.param({"a": 1.0, "b": 3.0, "c": 2.0, "d": 4.0}, ["a", "b", "d"], id="b"),
        pytest.param({"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}, ["a", "c", "d"], id="c"),
        pytest.param({"a": 1.0, "alone": 5.0}, ["alone"], id="independent"),
    ],
)
def test_finds_the_critical_path(
    finished: dict[str, float], path: list[str], registry: Registry, probes: Probes
) -> None:
    """The chain of those that each were the last that the next one waited for."""
    probes.add("a")
    probes.add("b", "a")
    probes.add("c", "a")
    probes.add("d", "b", "c")
    probes.add("alone")

    assert Plan(registry).critical_path(finished) == path


async def test_a_need_that_is_close_to_a_name_is_a_slip(
    registry: Registry, journal: list[str], probes: Probes
) -> None:
    """The error names the name that was meant, and nothing has started."""
    probes.add("db")
    probes.add("httpx_client")
    here = next_line()
    declare("github", needs=(key("http_client"),), registry=registry)(anything)

    with pytest.raises(MissingDependency) as caught:
        await Lifespan(registry).__aenter__()

    assert str(caught.value) == (
        "lifespan resource 'github' needs 'http_client', which is not registered\n"
        f'    {here}  declare("github", needs=(key("http_client"),), '
        "registry=registry)(anything)\n"
        "Did you mean 'httpx_client'? Register it, or drop it from needs=. "
        "Registered: 'db', 'github', 'httpx_client'."
    )
    assert journal == []


async def test_a_need_that_nothing_resembles(registry: Registry) -> None:
    """Then nothing is suggested."""
    here = next_line()
    declare("github", needs=(key("zebra"),), registry=registry)(anything)

    with pytest.raises(LookupError) as caught:
        await Lifespan(registry).__aenter__()

    assert str(caught.value) == (
        "lifespan resource 'github' needs 'zebra', which is not registered\n"
        f'    {here}  declare("github", needs=(key("zebra"),), '
        "registry=registry)(anything)\n"
        "Register it, or drop it from needs=. Registered: 'github'."
    )


async def test_only_refuses_an_unregistered_key(
    registry: Registry, probes: Probes
) -> None:
    """The names that there are, and the one that was meant."""
    probes.add("cache")

    with pytest.raises(StateNotFound) as caught:
        await Lifespan(registry, only=(key("cahce"),)).__aenter__()

    assert str(caught.value) == (
        "only= names 'cahce', which is not registered\n"
        "Did you mean 'cache'? Registered: 'cache'."
    )


def test_only_in_an_empty_registry(registry: Registry) -> None:
    """There is nothing to suggest."""
    with pytest.raises(KeyError) as caught:
        Plan(registry, [key("cache")])

    assert str(caught.value) == (
        "only= names 'cache', which is not registered\nRegistered: nothing."
    )


async def test_a_resource_that_needs_itself(registry: Registry) -> None:
    """A circle of one."""
    here = next_line()
    declare("db", needs=(key("db"),), registry=registry)(anything)

    with pytest.raises(DependencyCycle) as caught:
        await Lifespan(registry).__aenter__()

    assert str(caught.value) == (
        "lifespan resources need each other in a circle:\n"
        f"  ╶─⟲─╴ db  {here}\n"
        "Each needs the one below it, the last needs the first.\n"
        "Drop one from needs=, or move what both need into a third."
    )


async def test_two_resources_that_need_each_other(registry: Registry) -> None:
    """A circle of two, and who needs it is left out of the drawing."""
    declare("view", needs=(key("cache"),), registry=registry)(anything)
    first = next_line()
    declare("cache", needs=(key("db"),), registry=registry)(anything)
    second = next_line()
    declare("db", needs=(key("cache"),), registry=registry)(anything)

    with pytest.raises(DependencyCycle) as caught:
        await Lifespan(registry).__aenter__()

    assert str(caught.value) == (
        "lifespan resources need each other in a circle:\n"
        f"  ╭─>─╮ cache  {first}\n"
        f"  ╰─<─╯ db     {second}\n"
        "Each needs the one below it, the last needs the first.\n"
        "Drop one from needs=, or move what both need into a third."
    )


async def test_three_resources_in_a_circle(
    registry: Registry, probes: Probes, journal: list[str]
) -> None:
    """The drawing follows the needs; what has no part in it does not start."""
    probes.add("apart")
    first = next_line()
    declare("a", needs=(key("apart"), key("b")), registry=registry)(anything)
    second = next_line()
    declare("b", needs=(key("long_name"),), registry=registry)(anything)
    third = next_line()
    declare("long_name", needs=(key("a"),), registry=registry)(anything)

    with pytest.raises(DependencyCycle) as caught:
        await Lifespan(registry).__aenter__()

    assert str(caught.value) == (
        "lifespan resources need each other in a circle:\n"
        f"  ╭─>─╮ a          {first}\n"
        f"  │   │ b          {second}\n"
        f"  ╰─<─╯ long_name  {third}\n"
        "Each needs the one below it, the last needs the first.\n"
        "Drop one from needs=, or move what both need into a third."
    )
    assert [name for name, _ in caught.value.circle] == ["a", "b", "long_name"]
    assert journal == []


def test_a_long_circle_is_found_without_recursion(
    registry: Registry, probes: Probes
) -> None:
    """Longer than Python's stack is deep."""
    count = 2_000
    for index in range(count):
        probes.add(f"r{index}", f"r{(index + 1) % count}")

    with pytest.raises(DependencyCycle) as caught:
        Plan(registry)

    assert len(caught.value.circle) == count
