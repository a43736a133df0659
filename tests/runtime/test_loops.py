"""One lifespan per event loop and registry, restartable."""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django_lifespan_typed import Lifespan, Registry, current_state, lifespan_resource
from django_lifespan_typed._runtime.current import running

from .probes import Probes

# --- Several loops


def test_concurrent_loops_leave_no_lifespan(probes: Probes) -> None:
    interval = sys.getswitchinterval()
    probes.add("it")

    async def run() -> None:
        for _ in range(50):
            async with Lifespan(probes.registry) as state:
                assert current_state() is state

    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as threads:
            for future in [threads.submit(asyncio.run, run()) for _ in range(4)]:
                future.result(60)
    finally:
        sys.setswitchinterval(interval)

    assert running.loops() == []


# --- Several lifespans on one loop


def registry_named(name: str) -> Registry:
    """A registry with a resource that looks up the *name* of its own lifespan."""
    registry = Registry()

    @lifespan_resource("name", registry=registry)
    async def own_name() -> str:
        return name

    @lifespan_resource("seen", needs=(own_name,), registry=registry)
    async def _(_: str) -> Any:
        return current_state()["name"]

    return registry


def test_a_factory_sees_its_own_lifespan_beside_another_thread() -> None:
    """All blocks of sync code share one event loop."""

    def other_thread() -> object:
        with Lifespan(registry_named("other thread")) as state:
            return state["seen"]

    with Lifespan(registry_named("this thread")), ThreadPoolExecutor(1) as threads:
        assert threads.submit(other_thread).result() == "other thread"


async def test_lifespans_may_overlap(probes: Probes) -> None:
    probes.add("it")
    first, second = probes.lifespan(), probes.lifespan()

    await first.__aenter__()
    state = await second.__aenter__()
    await first.__aexit__(None, None, None)
    found = current_state()
    await second.__aexit__(None, None, None)

    assert found is state
