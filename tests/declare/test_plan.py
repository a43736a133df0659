"""Plan: repeated, missing and cyclic dependencies."""

from __future__ import annotations

from typing import Any

import pytest

from django_lifespan_typed import Lifespan, Registry, StateKey
from django_lifespan_typed.exceptions import (
    DependencyCycle,
    InvalidDeclaration,
    MissingDependency,
    StateNotFound,
)
from tests.runtime.probes import Probes, next_line


async def test_a_repeated_dependency_counts_once(probes: Probes) -> None:
    first = probes.add("first")
    second = probes.add("second", "first", "first")

    async with (lifespan := probes.lifespan()):
        assert [status.needs for status in lifespan.status()] == [(), ("first",)]

    assert second.needs == (first.value, first.value)
    assert probes.journal == ["+first", "+second", "-second", "-first"]


async def test_a_missing_dependency_prevents_the_start(probes: Probes) -> None:
    probes.add("httpx_client")
    probes.add("github", "http_client")

    with pytest.raises(MissingDependency) as caught:
        await probes.run()

    error = caught.value
    assert isinstance(error, LookupError)
    assert (error.name, error.dependency) == ("github", "http_client")
    assert error.location == probes.resources["github"].declared_at
    assert error.known == ("github", "httpx_client")
    assert "Did you mean 'httpx_client'?" in str(error)
    assert probes.journal == []


async def test_only_refuses_an_unregistered_key(
    registry: Registry, probes: Probes
) -> None:
    lifespan = Lifespan(registry, only=[StateKey[Any]("cahce")])

    with pytest.raises(StateNotFound) as caught_empty:
        await lifespan.__aenter__()
    probes.add("cache")
    with pytest.raises(StateNotFound) as caught:
        await lifespan.__aenter__()

    problem = "only= names 'cahce', which is not registered\n"
    assert str(caught_empty.value) == f"{problem}Registered: nothing."
    assert str(caught.value) == f"{problem}Did you mean 'cache'? Registered: 'cache'."


@pytest.mark.parametrize("names", [["db"], ["cache", "db"], ["a", "b", "c"]])
async def test_a_cycle_prevents_the_start(names: list[str], probes: Probes) -> None:
    """The error lists the resources of the cycle, and no other."""
    probes.add("apart")
    probes.add("view", names[-1])
    for name, dependency in zip(names, [*names[1:], names[0]], strict=True):
        probes.add(name, "apart", dependency)

    with pytest.raises(DependencyCycle) as caught:
        await probes.run()

    found, locations = map(list, zip(*caught.value.cycle, strict=True))
    begin = found.index(names[0])
    assert found[begin:] + found[:begin] == names
    assert locations == [probes.resources[name].declared_at for name in found]
    assert probes.journal == []


async def test_a_cycle_may_be_longer_than_the_stack(probes: Probes) -> None:
    chain = [f"r{index}" for index in range(1_100)]
    probes.add("r0", "r1099")
    for name, dependency in zip(chain[1:], chain, strict=False):
        probes.add(name, dependency)

    with pytest.raises(DependencyCycle) as caught:
        await probes.run()

    assert len(caught.value.cycle) == 1_100


@pytest.mark.parametrize(
    ("only", "problem"),
    [
        ("http", "has an object of type str as only=, not a tuple of keys"),
        (StateKey("http"), "has a key as only=, not a tuple of keys"),
        (5, "has an object of type int as only=, not a tuple of keys"),
        (("http",), "has an object of type str in only=, not a key"),
    ],
)
def test_only_has_to_be_a_tuple_of_keys(
    only: Any, problem: str, registry: Registry
) -> None:
    with pytest.raises(InvalidDeclaration) as caught:
        here = next_line()
        Lifespan(registry, only=only)

    first, second, fix = str(caught.value).splitlines()
    assert first == f"a lifespan {problem} or resource{'s' * ('tuple' in problem)}"
    assert second == f"    {here}  Lifespan(registry, only=only)"
    assert fix.startswith("Write: ")
