"""``current_state``: the lifespan that runs here, for code without a request."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async

from django_lifespan_typed import (
    Lifespan,
    LifespanState,
    Registry,
    StateKey,
    current_state,
    lifespan_resource,
)
from django_lifespan_typed._runtime.current import running
from django_lifespan_typed.exceptions import LifespanNotRunning
from django_lifespan_typed.handler import LifespanASGIHandler

from .server import FakeServer

KEY = StateKey[int]("number")


@pytest.fixture
def numbered(registry: Registry) -> Registry:
    """A registry of one resource."""

    @lifespan_resource(KEY, registry=registry)
    async def number() -> AsyncGenerator[int]:
        yield 7

    return registry


async def test_it_is_the_state_of_the_running_lifespan(numbered: Registry) -> None:
    """The very one: what is written on it is there for all."""
    async with Lifespan(numbered) as state:
        found = current_state()
        found["written"] = True

        assert isinstance(found, LifespanState)
        assert found[KEY] == 7
        assert state["written"] is True


async def test_a_thread_without_a_loop_finds_the_processs(numbered: Registry) -> None:
    """Sync code under ASGI, and a thread of its own."""
    async with Lifespan(numbered):
        in_djangos_thread = await sync_to_async(lambda: current_state()[KEY])()
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(lambda: current_state()[KEY])
            in_another = await asyncio.wrap_future(waiting)

    assert [in_djangos_thread, in_another] == [7, 7]


async def test_async_code_inside_sync_code_finds_it(numbered: Registry) -> None:
    """``async_to_sync`` in a sync view runs on the loop of the lifespan."""

    async def ask() -> int:
        return current_state()[KEY]

    async with Lifespan(numbered):
        found = await sync_to_async(async_to_sync(ask))()

    assert found == 7


async def test_a_resource_finds_what_has_started_before_it(registry: Registry) -> None:
    """The state is there while it fills."""
    seen: list[list[str]] = []

    @lifespan_resource("first", registry=registry)
    async def first() -> int:
        seen.append(sorted(current_state()))
        return 1

    @lifespan_resource("second", needs=(first,), registry=registry)
    async def second(first: int) -> int:
        seen.append(sorted(current_state()))
        return 2

    async with Lifespan(registry):
        seen.append(sorted(current_state()))

    assert seen == [[], ["first"], ["first", "second"]]


async def test_under_a_server_it_is_there_from_startup_to_shutdown(
    numbered: Registry,
) -> None:
    """For code that no request came to."""
    async with FakeServer(LifespanASGIHandler(numbered), state={}) as server:
        await server.startup()
        while_serving = current_state()[KEY]
        await server.shutdown()

    assert while_serving == 7
    with pytest.raises(LifespanNotRunning):
        current_state()


@pytest.mark.parametrize("in_loop", [False, True], ids=["thread", "loop"])
def test_without_a_lifespan_the_error_says_how_to_have_one(in_loop: bool) -> None:
    """Under a server, and in a test, a command, a shell."""

    async def ask() -> LifespanState:
        return current_state()

    with pytest.raises(LifespanNotRunning) as caught:
        asyncio.run(ask()) if in_loop else current_state()

    assert str(caught.value) == (
        "no lifespan runs in this process\n"
        "Under an ASGI server: let asgi.py use "
        "django_lifespan_typed.asgi.get_asgi_application, and pass scopes of type "
        '"lifespan" on to it; round a router, with_lifespan(...).\n'
        "Under a WSGI server, Django's runserver too: let wsgi.py use "
        "django_lifespan_typed.wsgi.get_wsgi_application.\n"
        "In a command: derive it from LifespanCommand. In a Celery worker: "
        "connect_lifespan(app). In a test: LifespanTestCase, or pytest's fixture "
        "lifespan.\n"
        "In a shell or a script: with Lifespan() as state: ..., or async with in async "
        "code. At import, and in AppConfig.ready(), none runs yet."
    )


@pytest.mark.parametrize(
    ("problem", "shown"),
    [
        pytest.param(OSError("no route"), "OSError: no route", id="message"),
        pytest.param(OSError(), "OSError", id="no message"),
    ],
)
async def test_after_a_failed_start_the_error_says_so(
    registry: Registry, problem: OSError, shown: str
) -> None:
    """The start is what went wrong, not the question."""

    @lifespan_resource(KEY, registry=registry)
    async def number() -> int:
        raise problem

    with pytest.raises(OSError):
        async with Lifespan(registry):
            pass
    with pytest.raises(LifespanNotRunning) as caught:
        current_state()

    assert str(caught.value) == (
        f"the lifespan did not start: {shown}\n"
        "The log, or the server's output, has the traceback."
    )


async def test_on_another_loop_the_error_names_both(numbered: Registry) -> None:
    """Values belong to the loop that started them."""

    def elsewhere() -> tuple[str, str]:
        async def ask() -> tuple[str, str]:
            with pytest.raises(LifespanNotRunning) as caught:
                current_state()
            return str(caught.value), repr(asyncio.get_running_loop())

        return asyncio.run(ask())

    async with Lifespan(numbered):
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(elsewhere)
            said, other = await asyncio.wrap_future(waiting)
        here = repr(asyncio.get_running_loop())

    assert said == (
        "the running event loop has no lifespan\n"
        f"    {other}\n"
        "while there is one on\n"
        f"    {here}\n"
        "Values belong to the loop that started them: run the code there, or "
        "start a lifespan here: async with Lifespan()."
    )


def test_a_thread_beside_two_lifespans_is_told_that_there_are_two() -> None:
    """Nobody guesses which one was meant."""
    both_run, asked = threading.Barrier(3, timeout=30), threading.Barrier(3, timeout=30)
    own: list[Any] = []

    def in_thread(value: int) -> None:
        registry = Registry()

        @lifespan_resource(KEY, registry=registry)
        async def number() -> int:
            return value

        async def serve() -> None:
            async with Lifespan(registry):
                both_run.wait()
                own.append(current_state()[KEY] == value)
                asked.wait()

        asyncio.run(serve())

    threads = [threading.Thread(target=in_thread, args=(value,)) for value in (1, 2)]
    for thread in threads:
        thread.start()
    both_run.wait()
    shown = "\n".join(f"    {loop!r}" for loop in running.loops())
    try:
        with pytest.raises(LifespanNotRunning) as caught:
            current_state()
    finally:
        asked.wait()
        for thread in threads:
            thread.join()

    assert str(caught.value) == (
        "this thread has no event loop, and the process has more than one "
        f"lifespan\n{shown}\nPass what tells them apart: the request, or its "
        "scope, to get_state()."
    )
    assert own == [True, True]


def test_a_value_is_taken_out_by_its_key_or_its_name() -> None:
    """Of the dict that the state is a view on, too."""
    values = {"number": 7, "other": 8}
    state = LifespanState(values)

    del state[StateKey[int]("number")]
    del state["other"]

    assert (list(state), values) == ([], {})


def test_its_repr_has_names_alone() -> None:
    """Values may hold secrets, and Django's error pages show every repr."""
    state = LifespanState({"password": "sesame", "db": "of the shop"})

    assert repr(state) == "<LifespanState of 'db', 'password'>"
