"""Several users of one lifespan: servers on one loop, and blocks around them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from django_lifespan_typed import Lifespan, Registry, current_state, lifespan_resource
from django_lifespan_typed.asgi import with_lifespan
from django_lifespan_typed.handler import LifespanASGIHandler
from tests.runtime.probes import Hang, Probes

from .server import (
    LIMIT,
    STARTED,
    STOPPED,
    FakeServer,
    json_of,
    request,
    serving,
    status_of,
)
from .urls import EVERYWHERE, NUMBER

ONCE = [*("asgi_lifespan", "+number", "asgi_startup"), *("asgi_shutdown", "-number")]


async def status(server: FakeServer) -> int:
    return status_of(await server.request("/everywhere"))


# --- Two servers


@pytest.mark.parametrize("states", [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("first_to_leave", [0, 1])
@pytest.mark.usefixtures("signals")
async def test_the_last_of_two_servers_shuts_the_lifespan_down(
    *,
    numbered: Registry,
    journal: list[str],
    states: tuple[bool, bool],
    first_to_leave: int,
) -> None:
    handler = LifespanASGIHandler(numbered)
    one, two = (
        FakeServer(handler, state={} if has_state else None) for has_state in states
    )
    servers, statuses = [one, two], []
    async with one, two:
        assert await one.startup() == STARTED
        statuses.append(await status(one))
        assert await two.startup() == STARTED
        statuses += [await status(one), await status(two)]
        assert await servers[first_to_leave].shutdown() == STOPPED
        statuses += [await status(one), await status(two)]
        while_one_serves = list(journal)
        assert await servers[1 - first_to_leave].shutdown() == STOPPED
        statuses.append(await status(two))

    assert statuses == [200, 200, 200, 200, 200, 503]
    assert while_one_serves == ONCE[:3]
    assert journal == ONCE
    assert [server.state for server in servers] == [
        {"number": 7} if has_state else None for has_state in states
    ]


@pytest.mark.parametrize("fails", [False, True])
async def test_two_servers_that_start_together_share_the_startup(
    registry: Registry, fails: bool
) -> None:
    """If it fails, the second server tries again."""
    entered, go_on = asyncio.Event(), asyncio.Event()
    starts: list[int] = []

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> int:
        starts.append(1)
        entered.set()
        await go_on.wait()
        if fails and len(starts) == 1:
            raise OSError("not yet")
        return 7

    handler = LifespanASGIHandler(registry)
    async with (
        FakeServer(handler, state={}) as one,
        FakeServer(handler, state={}) as two,
    ):
        one.tell("lifespan.startup")
        two.tell("lifespan.startup")
        await asyncio.wait_for(entered.wait(), LIMIT)
        go_on.set()
        first, second = await one.reply(), await two.reply()
        served = await status(two)

    kinds = [first["type"], second["type"]]
    assert kinds.count("lifespan.startup.failed") == fails
    assert served == 200
    assert len(starts) == 1 + fails


async def test_a_server_waits_for_the_shutdown_of_the_one_before(
    numbered: Registry, probes: Probes, journal: list[str]
) -> None:
    slow = Hang()
    probes.add("slow", "number", stop=slow)
    handler = LifespanASGIHandler(numbered)
    async with (
        FakeServer(handler, state={}) as one,
        FakeServer(handler, state={}) as two,
    ):
        await one.startup()
        one.tell("lifespan.shutdown")
        await slow.reached()
        two.tell("lifespan.startup")
        await asyncio.sleep(0)
        while_stopping = list(journal)
        slow.release()
        assert await one.reply() == STOPPED
        assert await two.reply() == STARTED
        served = await status(two)

    assert while_stopping == ["+number", "+slow"]
    assert served == 200
    assert journal == ["+number", "+slow", "-slow", "-number"] * 2


# --- A server inside a block


@pytest.mark.parametrize("first_to_leave", ["server", "block"])
@pytest.mark.usefixtures("signals")
async def test_a_server_inside_a_block_joins_its_lifespan(
    numbered: Registry, journal: list[str], first_to_leave: str
) -> None:
    block = Lifespan(numbered)
    state = await block.__aenter__()
    async with FakeServer(numbered, state={}) as server:
        await server.startup()
        while_both = await status(server)
        if first_to_leave == "server":
            await server.shutdown()
            assert current_state() is state
        else:
            await block.__aexit__(None, None, None)
            assert await status(server) == 200
        one_left = list(journal)
        if first_to_leave == "server":
            await block.__aexit__(None, None, None)
        else:
            await server.shutdown()

    assert while_both == 200
    assert "-number" not in one_left
    # The resources had started before the server could ask for managers.
    assert journal == ["+number", "asgi_startup", "asgi_shutdown", "-number"]


# --- An application that is called inside a block


async def test_blocks_of_other_registries_and_of_some_resources_hide_nothing(
    numbered: Registry, journal: list[str]
) -> None:
    """A request that finds no lifespan of its own registry starts it."""

    @lifespan_resource("other", registry=numbered)
    async def other() -> str:
        return "the other"

    handler = LifespanASGIHandler(numbered)

    async with Lifespan(numbered), Lifespan(Registry()):
        nested = await request(handler, "/names")
    async with Lifespan(numbered, only=(other,)):
        inside = await request(handler, "/names")

    assert json_of(nested) == ["number", "other"]
    assert json_of(inside) == ["other"]
    assert journal == ["+number", "-number"]


async def test_a_block_serves_after_a_server_on_the_same_loop(
    numbered: Registry,
) -> None:
    """Tests may share a loop."""
    handler = LifespanASGIHandler(numbered)

    async with FakeServer(handler, state={}) as server:
        await server.startup()
        await server.shutdown()
        after = await status(server)
    async with Lifespan(numbered):
        served = await request(handler, "/everywhere")

    assert after == 503
    assert json_of(served) == EVERYWHERE


async def test_what_the_host_had_on_its_state_at_startup_stays_the_hosts(
    numbered: Registry,
) -> None:
    found: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        found.append(scope["state"]["host"])

    wrapped = with_lifespan(app, numbered)
    async with serving(wrapped, {"host": "at startup"}) as server:
        server.state = {"host": "of this request"}
        await server.request("/")

    assert found == ["of this request"]
