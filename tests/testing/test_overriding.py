"""override_state before a start, during a lifespan and without one."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Generator
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import AsyncRequestFactory, RequestFactory

from django_lifespan_typed import (
    Lifespan,
    Registry,
    StateKey,
    current_state,
    get_state,
    lifespan_resource,
)
from django_lifespan_typed.exceptions import MissingDependency, StateNotFound
from django_lifespan_typed.middleware import LifespanStateMiddleware
from django_lifespan_typed.register import register_lifespan_manager
from django_lifespan_typed.testing import override_state
from tests.journaling import Add

pytestmark = pytest.mark.usefixtures("nothing_is_left")

HTTP = StateKey[str]("http")
CATALOGUE = StateKey[str]("catalogue")


@pytest.fixture
def shop(add: Add, registry: Registry) -> Registry:
    """A registry with ``http``, and with ``catalogue``, which depends on it."""
    add("catalogue", add("http"))
    return registry


# --- Before a start


async def test_dependencies_of_only_the_overridden_resource_do_not_start(
    add: Add, registry: Registry, journal: list[str]
) -> None:
    dns = add("dns")
    http = add("http", add("socket", dns))
    add("catalogue", http)

    with override_state(http, "fake"):
        async with Lifespan(registry) as state:
            assert dict(state) == {"http": "fake", "catalogue": "catalogue(fake)"}
            with pytest.raises(StateNotFound):
                get_state({}, dns)
        assert dict(state) == {"catalogue": "catalogue(fake)"}

    assert journal == ["+catalogue", "-catalogue"]


@pytest.mark.parametrize(
    ("overridden", "top"),
    [("left", "top(fake,right(root()))"), ("left right", "top(fake,fake)")],
)
async def test_shared_dependencies_start_for_their_other_dependents(
    overridden: str, top: str, add: Add, registry: Registry
) -> None:
    root = add("root")
    add("top", add("left", root), add("right", root))

    with ExitStack() as stack:
        for name in overridden.split():
            stack.enter_context(override_state(StateKey[str](name), "fake"))
        async with Lifespan(registry) as state:
            assert state["top"] == top
            assert ("root" in state) == ("root" in top)


async def test_only_may_name_an_overridden_key(add: Add, registry: Registry) -> None:
    socket = add("socket")
    http = add("http", socket)
    catalogue = add("catalogue", http)
    add("other")

    with override_state(http, "fake"):
        for only, names in (
            ((catalogue,), {"http", "catalogue"}),
            ((http,), {"http"}),
            ((http, socket), {"http", "socket"}),
        ):
            async with Lifespan(registry, only=only) as state:
                assert {*state} == names


async def test_a_missing_dependency_may_be_overridden(
    add: Add, registry: Registry
) -> None:
    add("catalogue", HTTP)

    with override_state(HTTP, "fake"):
        async with Lifespan(registry) as state:
            assert state["catalogue"] == "catalogue(fake)"


async def test_an_override_hides_the_value_of_a_manager(registry: Registry) -> None:
    @asynccontextmanager
    async def manager() -> Any:
        yield {"http": "real", "other": "real"}

    register_lifespan_manager(context_manager=manager, registry=registry)
    override = override_state(HTTP, "fake")
    override.__enter__()

    async with Lifespan(registry) as state:
        assert dict(state) == {"http": "fake", "other": "real"}
        override.__exit__(None, None, None)
        assert state[HTTP] == "real"


async def test_a_start_keeps_the_overrides_that_it_began_with(
    add: Add, registry: Registry
) -> None:
    slow_began, slow_may_continue = asyncio.Event(), asyncio.Event()

    @lifespan_resource("slow", registry=registry)
    async def slow() -> str:
        slow_began.set()
        await slow_may_continue.wait()
        return "slow"

    add("catalogue", add("http"), slow)
    lifespan = Lifespan(registry)
    with override_state(HTTP, "fake"):
        starting = asyncio.ensure_future(lifespan.__aenter__())
        await slow_began.wait()
    slow_may_continue.set()

    assert dict(await starting) == {"slow": "slow", "catalogue": "catalogue(fake,slow)"}
    await lifespan.__aexit__(None, None, None)


async def test_an_override_survives_a_failed_start(add: Add, shop: Registry) -> None:
    add("broken", HTTP, fails="start")

    with override_state(HTTP, "fake"):
        with pytest.raises(ConnectionError):
            await Lifespan(shop).__aenter__()
        add("incomplete", StateKey[str]("missing"))
        with pytest.raises(MissingDependency):
            await Lifespan(shop).__aenter__()
        async with Lifespan(shop, only=(HTTP,)) as state:
            assert dict(state) == {"http": "fake"}


# --- During a lifespan


async def test_a_running_value_is_replaced_and_restored(shop: Registry) -> None:
    async with Lifespan(shop) as state:
        with override_state(HTTP, "fake") as fake:
            assert fake == state[HTTP] == current_state()[HTTP] == "fake"
            assert state[CATALOGUE] == "catalogue(http())"
        assert state[HTTP] == "http()"
        with pytest.raises(ValueError, match="any"):
            async with override_state(HTTP, "fake") as fake:
                assert fake == state[HTTP] == "fake"
                raise ValueError("any")
        assert state[HTTP] == "http()"


async def test_an_unregistered_name_is_gone_after_its_override(
    registry: Registry,
) -> None:
    async with Lifespan(registry) as state:
        with override_state(HTTP, "fake"):
            assert get_state({"state": {}}, HTTP) == state[HTTP] == "fake"
        assert HTTP not in state

        with pytest.raises(StateNotFound):
            get_state({"state": {}}, HTTP)


async def test_a_lookup_after_an_override_explains_the_missing_resource(
    default_registry: Registry,
) -> None:
    @lifespan_resource(HTTP, registry=default_registry)
    async def http() -> str:
        return "real"

    with ExitStack() as overriding:
        overriding.enter_context(override_state(HTTP, "fake"))
        async with Lifespan():
            overriding.close()
            with pytest.raises(StateNotFound, match=r"overr.*'http'"):
                get_state({}, HTTP)


async def test_an_override_applies_to_every_lifespan(shop: Registry) -> None:
    async with Lifespan(shop, only=(HTTP,)) as first:
        with override_state(HTTP, "fake"):
            async with Lifespan(shop, only=(HTTP,)) as second:
                assert (first[HTTP], second[HTTP]) == ("fake", "fake")
            assert dict(second) == {}
        assert first[HTTP] == "http()"


@pytest.mark.parametrize("fails", ["", "stop"])
async def test_an_override_may_outlast_a_lifespan(
    fails: str, add: Add, registry: Registry
) -> None:
    http = add("http", fails=fails)
    lifespan = Lifespan(registry)
    override = override_state(http, "fake")

    with pytest.raises(ConnectionError) if fails else ExitStack():
        async with lifespan as state:
            override.__enter__()
            assert state[http] == "fake"
    assert lifespan.state[http] == "http()"
    override.__exit__(None, None, None)

    assert lifespan.state[http] == "http()"


# --- Nesting


async def test_one_override_may_be_entered_twice(shop: Registry) -> None:
    override = override_state(HTTP, "fake")

    async with Lifespan(shop) as state:
        with override:
            with override:
                assert state[HTTP] == "fake"
            assert state[HTTP] == "fake"
        assert state[HTTP] == "http()"


@pytest.mark.parametrize("first", [0, 1, 2])
@pytest.mark.parametrize("second", [0, 1])
async def test_the_latest_active_override_counts(
    first: int, second: int, shop: Registry
) -> None:
    active = [override_state(HTTP, name) for name in "abc"]
    values = ["http()", *"abc"]

    async with Lifespan(shop) as state:
        for override in active:
            override.__enter__()
        for index in (first, second, 0):
            assert state[HTTP] == values[-1]
            active.pop(index).__exit__(None, None, None)
            values.pop(index + 1)
        assert state[HTTP] == "http()"


@pytest.fixture
def frequent_thread_switches() -> Generator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("frequent_thread_switches")
def test_threads_may_override_concurrently(add: Add, registry: Registry) -> None:
    resources = [add(f"r{number}") for number in range(4)]
    together = threading.Barrier(4)
    wrong: list[object] = []

    def work(number: int) -> None:
        together.wait()
        for turn in range(100):
            with override_state(resources[number], f"fake {turn}"):
                found = {state[resources[number]]}
                if turn % 20 == 0:
                    with Lifespan(registry, only=(resources[number],)) as own:
                        found.add(own[resources[number]])
                wrong.extend(found - {f"fake {turn}"})

    with Lifespan(registry) as state:
        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert wrong == []
        assert sorted(state.values()) == ["r0()", "r1()", "r2()", "r3()"]


# --- Without a lifespan


@pytest.mark.parametrize("factory", [RequestFactory, AsyncRequestFactory])
def test_a_view_finds_an_override_without_a_lifespan(
    factory: type[RequestFactory],
) -> None:
    request = factory().get("/")

    with override_state(HTTP, "fake"):
        found = get_state(request, HTTP)

    assert found == "fake"
    assert get_state(request, HTTP, None) is None


def test_request_state_has_the_overrides_without_a_lifespan() -> None:
    found: list[object] = []

    def view(request: Any) -> HttpResponse:
        found.extend([request.state[HTTP], get_state(request, HTTP), {**request.state}])
        return HttpResponse()

    with override_state(HTTP, "fake"):
        LifespanStateMiddleware(view)(RequestFactory().get("/"))

    assert found == ["fake", "fake", {"http": "fake"}]
