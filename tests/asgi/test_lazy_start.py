"""Where the server sends no lifespan: the first request starts one."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AsyncExitStack, suppress
from contextvars import Context, ContextVar
from types import ModuleType
from typing import Any

import pytest
from django.dispatch import Signal

from django_lifespan_typed import (
    Lifespan,
    Registry,
    current_state,
    get_state,
    lifespan_resource,
    run_asgi_lifespan,
)
from django_lifespan_typed._asgi.gate import host_of
from django_lifespan_typed.asgi import with_lifespan
from django_lifespan_typed.handler import LifespanASGIHandler
from django_lifespan_typed.signals import asgi_shutdown, asgi_startup
from tests.sync.scripts import running_script

from .server import LIMIT, UNAVAILABLE, FakeServer, body_of, request, status_of
from .urls import NUMBER

EVERYWHERE = {"get_state": 7, "request.state": 7, "by name": 7, "current_state": 7}

SERVERS = ["uvicorn", "gunicorn", "granian", "hypercorn"]


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server is imported, as far as the warning can tell."""
    for name in [*SERVERS, "daphne.server"]:
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.fixture
def numbered(registry: Registry, journal: list[str]) -> Registry:
    """A registry of the one resource that the views read, in the journal."""

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> AsyncGenerator[int]:
        journal.append("+number")
        yield 7
        journal.append("-number")

    return registry


@pytest.fixture
def started() -> Generator[list[str]]:
    """The signals of a start, as they are sent."""
    sent: list[str] = []

    def receiver(**_: object) -> None:
        sent.append("asgi_startup")

    asgi_startup.connect(receiver)
    yield sent
    asgi_startup.disconnect(receiver)


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was warned of."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == "django_lifespan_typed" and record.levelno == logging.WARNING
    ]


# --- In a block


@pytest.mark.parametrize("path", ["/everywhere", "/everywhere-async"])
async def test_in_a_block_the_application_has_the_lifespan_of_the_block(
    numbered: Registry, path: str, *, journal: list[str], started: list[str]
) -> None:
    """A test that has started the resources may call the application itself."""
    handler = LifespanASGIHandler(numbered)

    async with Lifespan(numbered):
        served = [await request(handler, path) for _ in range(2)]

    assert [json.loads(body_of(messages)) for messages in served] == [EVERYWHERE] * 2
    assert journal == ["+number", "-number"]
    assert started == []


async def test_a_block_of_another_registry_is_not_the_applications(
    numbered: Registry, journal: list[str]
) -> None:
    """Its values are not what the views of this one name."""
    handler = LifespanASGIHandler(numbered)

    async with Lifespan(Registry()):
        served = await request(handler, "/names")
        await host_of(numbered).start(asyncio.get_running_loop()).stop()

    assert json.loads(body_of(served)) == ["number"]
    assert journal == ["+number", "-number"]


# --- The start


@pytest.mark.parametrize(
    "state", [pytest.param({}, id="empty state"), pytest.param(None, id="no state")]
)
@pytest.mark.parametrize("path", ["/everywhere", "/everywhere-async"])
def test_the_first_request_finds_the_value_everywhere(
    numbered: Registry, path: str, state: dict[str, Any] | None
) -> None:
    """uvicorn, gunicorn and granian pass an empty state where they send no lifespan."""

    async def serve() -> list[Any]:
        handler = LifespanASGIHandler(numbered)
        return [await request(handler, path, state=state) for _ in range(2)]

    served = asyncio.run(serve())

    assert [json.loads(body_of(sent)) for sent in served] == [EVERYWHERE] * 2


def test_nothing_starts_before_the_first_request(
    numbered: Registry, journal: list[str]
) -> None:
    """Making the application opens nothing: reloaders and commands make it too."""

    async def serve() -> list[str]:
        handler = LifespanASGIHandler(numbered)
        await asyncio.sleep(0)
        before = list(journal)
        await request(handler, "/hello")
        return before

    assert asyncio.run(serve()) == []
    assert journal == ["+number", "-number"]


def test_concurrent_first_requests_share_one_start(registry: Registry) -> None:
    """All are held until it is up, and all are served."""
    starts: list[str] = []

    async def serve() -> list[Any]:
        entered, leave = asyncio.Event(), asyncio.Event()

        @lifespan_resource(NUMBER, registry=registry)
        async def number() -> int:
            starts.append("+number")
            entered.set()
            await leave.wait()
            return 7

        handler = LifespanASGIHandler(registry)
        asking = [
            asyncio.ensure_future(request(handler, "/everywhere-async"))
            for _ in range(5)
        ]
        await entered.wait()
        for _ in range(10):
            await asyncio.sleep(0)
        assert not any(waiting.done() for waiting in asking)
        leave.set()
        return await asyncio.gather(*asking)

    served = asyncio.run(serve())

    assert [json.loads(body_of(sent)) for sent in served] == [EVERYWHERE] * 5
    assert starts == ["+number"]


def test_a_first_client_that_leaves_does_not_stop_the_start(
    registry: Registry, journal: list[str]
) -> None:
    """The start belongs to the application, not to the request that caused it."""

    async def serve() -> Any:
        entered, leave = asyncio.Event(), asyncio.Event()

        @lifespan_resource(NUMBER, registry=registry)
        async def number() -> AsyncGenerator[int]:
            entered.set()
            await leave.wait()
            yield 7

        handler = LifespanASGIHandler(registry)
        first = asyncio.ensure_future(request(handler, "/hello"))
        await entered.wait()
        first.cancel()
        await asyncio.wait({first})
        leave.set()
        return await request(handler, "/everywhere-async")

    assert json.loads(body_of(asyncio.run(serve()))) == EVERYWHERE


def test_resources_do_not_see_the_first_requests_context(registry: Registry) -> None:
    """What belongs to one request ends with it."""
    language: ContextVar[str] = ContextVar("language", default="en")
    seen: list[str] = []

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> int:
        seen.append(language.get())
        return 7

    async def serve() -> None:
        language.set("de")
        await request(LifespanASGIHandler(registry), "/hello")

    asyncio.run(serve())

    assert seen == ["en"]


def test_signals_are_sent(
    numbered: Registry, journal: list[str], connect: Callable[[Signal, Any], None]
) -> None:
    """In the order, and with the scope and the state, of a lifespan that was sent."""
    seen: list[Any] = []

    def receiver(signal: Signal, scope: Any, state: Any, **_: Any) -> None:
        journal.append("startup" if signal is asgi_startup else "shutdown")
        seen.append((scope["type"], state[NUMBER]))

    connect(asgi_startup, receiver)
    connect(asgi_shutdown, receiver)

    async def serve() -> None:
        await request(LifespanASGIHandler(numbered), "/hello")

    asyncio.run(serve())

    assert journal == ["+number", "startup", "shutdown", "-number"]
    assert seen == [("lifespan", 7), ("lifespan", 7)]


def test_what_a_receiver_writes_is_there_for_requests(
    numbered: Registry, connect: Callable[[Signal, Any], None]
) -> None:
    """On ``state`` or on ``scope["state"]``, although the server has none."""

    async def write_scope(scope: Any, **_: Any) -> None:
        scope["state"]["one"] = 1

    async def write_state(state: Any, **_: Any) -> None:
        state["two"] = 2

    connect(asgi_startup, write_scope)
    connect(asgi_startup, write_state)

    async def serve() -> Any:
        return await request(LifespanASGIHandler(numbered), "/names")

    assert body_of(asyncio.run(serve())) == '["number", "one", "two"]'


def test_code_without_a_request_finds_it(numbered: Registry) -> None:
    """``current_state()`` and ``get_state`` on a bare scope, once it is up."""

    async def serve() -> tuple[int, int]:
        await request(LifespanASGIHandler(numbered), "/hello")
        return current_state()[NUMBER], get_state({"type": "http"}, NUMBER)

    assert asyncio.run(serve()) == (7, 7)


# --- The warning


async def test_another_registry_has_the_lifespan(
    numbered: Registry, journal: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """As where only the outer of two applications was given the registry."""
    app = with_lifespan(LifespanASGIHandler(numbered), Registry())
    caplog.set_level(logging.WARNING, "django_lifespan_typed")

    async with FakeServer(app, state={}) as server:
        await server.startup()
        await server.request("/hello")
        await server.shutdown()

    assert journal == ["+number"]
    assert "\n".join(caplog.messages) == (
        "the server's lifespan ends at an application of another registry: resources "
        "of this one start at the first request, and it depends on the server whether "
        "they are closed. To mend it, give both applications the same registry."
    )


def _warning(flag: str) -> str:
    return (
        "the server sent no lifespan: resources start at the first request, and it "
        f"depends on the server whether they are closed. To mend it, {flag}, and let "
        'asgi.py pass scopes of type "lifespan" on to the application.'
    )


@pytest.mark.parametrize(
    ("server", "flag"),
    [
        pytest.param(
            None,
            "serve with a server that sends it (in a test, call the application in a "
            "block: async with Lifespan())",
            id="unknown",
        ),
        pytest.param("uvicorn", "run uvicorn with --lifespan on", id="uvicorn"),
        pytest.param(
            "gunicorn", "run gunicorn -k asgi with --asgi-lifespan on", id="gunicorn"
        ),
        pytest.param("granian", "run granian with --interface asgi", id="granian"),
        pytest.param(
            "hypercorn",
            "look for what keeps the lifespan from it: hypercorn sends it",
            id="hypercorn",
        ),
    ],
)
def test_one_warning_says_which_flag_to_change(
    numbered: Registry,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    server: str | None,
    flag: str,
) -> None:
    """Once, however many requests come, and by the name of the server that runs."""
    if server is not None:
        monkeypatch.setitem(sys.modules, server, ModuleType(server))

    async def serve() -> None:
        handler = LifespanASGIHandler(numbered)
        await asyncio.gather(*(request(handler, "/hello") for _ in range(3)))
        await request(handler, "/hello")

    asyncio.run(serve())

    assert warnings_in(caplog) == [_warning(flag)]


async def test_a_server_that_sends_it_is_not_warned_of(
    numbered: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    """With a state and without."""
    for state in ({}, None):
        async with FakeServer(LifespanASGIHandler(numbered), state=state) as server:
            await server.startup()
            await server.request("/hello")
            await server.shutdown()

    assert warnings_in(caplog) == []


# --- The stop


def test_the_end_of_the_loop_closes_in_order(
    registry: Registry, journal: list[str]
) -> None:
    """``asyncio.run`` cancels every task at once: the plan still holds."""

    @lifespan_resource("db", registry=registry)
    async def db() -> AsyncGenerator[str]:
        journal.append("+db")
        yield "db"
        await asyncio.sleep(0)
        journal.append("-db")

    @lifespan_resource("repo", needs=(db,), registry=registry)
    async def repo(db: str) -> AsyncGenerator[str]:
        journal.append("+repo")
        yield "repo"
        await asyncio.sleep(0)
        journal.append("-repo")

    @lifespan_resource("file", needs=(repo,), registry=registry)
    def file(repo: str) -> Generator[str]:
        journal.append("+file")
        yield "file"
        journal.append("-file")

    async def serve() -> None:
        await request(LifespanASGIHandler(registry), "/hello")

    asyncio.run(serve())

    assert journal == ["+db", "+repo", "+file", "-file", "-repo", "-db"]


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_the_end_of_the_loop_keeps_resources_for_the_receivers(
    registry: Registry,
    journal: list[str],
    connect: Callable[[Signal, Any], None],
    caplog: pytest.LogCaptureFixture,
    is_async: bool,
) -> None:
    """Receivers that take their time still find everything open, and no crash."""

    @lifespan_resource("db", registry=registry)
    async def db() -> AsyncGenerator[str]:
        journal.append("+db")
        yield "db"
        journal.append("-db")

    def plain(**_: Any) -> None:
        journal.append("asgi_shutdown")

    async def awaited(**_: Any) -> None:
        for _ in range(10):
            await asyncio.sleep(0)
        journal.append("asgi_shutdown")

    connect(asgi_shutdown, awaited if is_async else plain)

    async def serve() -> None:
        await request(LifespanASGIHandler(registry), "/hello")

    asyncio.run(serve())

    assert journal == ["+db", "asgi_shutdown", "-db"]
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_the_end_of_the_loop_during_the_start_closes_too(
    registry: Registry, journal: list[str]
) -> None:
    """A server that is stopped before the first request was served."""

    async def serve() -> None:
        entered = asyncio.Event()

        @lifespan_resource("db", registry=registry)
        async def db() -> AsyncGenerator[str]:
            journal.append("+db")
            yield "db"
            journal.append("-db")

        @lifespan_resource("slow", needs=(db,), registry=registry)
        async def slow(db: str) -> AsyncGenerator[None]:
            entered.set()
            try:
                await asyncio.Event().wait()
            finally:
                journal.append("slow was cancelled")
            yield

        asking = asyncio.ensure_future(request(LifespanASGIHandler(registry), "/hello"))
        await entered.wait()
        assert not asking.done()

    asyncio.run(serve())

    assert journal == ["+db", "slow was cancelled", "-db"]


def test_a_failed_stop_is_logged(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    """There is no server to tell it to."""
    problem = OSError("lost")

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> AsyncGenerator[int]:
        yield 7
        raise problem

    async def serve() -> None:
        await request(LifespanASGIHandler(registry), "/hello")

    asyncio.run(serve())

    logged = [
        (record.getMessage(), record.exc_info and record.exc_info[1])
        for record in caplog.records
        if record.levelname == "ERROR"
    ]
    assert logged[0] == ("failed to stop 'number'", problem)


def test_each_loop_starts_its_own(numbered: Registry, journal: list[str]) -> None:
    """A handler outlives its loops, in tests for example."""
    handler = LifespanASGIHandler(numbered)

    async def serve() -> Any:
        return await request(handler, "/everywhere-async")

    served = [asyncio.run(serve()), asyncio.run(serve())]

    assert [json.loads(body_of(sent)) for sent in served] == [EVERYWHERE] * 2
    assert journal == ["+number", "-number"] * 2


# --- A failed start


def test_a_failed_start_refuses_and_logs_once(
    registry: Registry, journal: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """503 for everybody, one traceback, and no second try at each request."""
    problem = OSError("no route")

    @lifespan_resource("db", registry=registry)
    async def db() -> AsyncGenerator[str]:
        journal.append("+db")
        yield "db"
        journal.append("-db")

    @lifespan_resource("cache", needs=(db,), registry=registry)
    async def cache(db: str) -> str:
        journal.append("cache fails")
        raise problem

    async def serve() -> list[Any]:
        handler = LifespanASGIHandler(registry)
        together = await asyncio.gather(
            request(handler, "/hello"), request(handler, "/hello")
        )
        return [*together, await request(handler, "/hello")]

    served = asyncio.run(serve())

    assert served == [UNAVAILABLE] * 3
    assert journal == ["+db", "cache fails", "-db"]
    logged = [
        (record.getMessage(), record.exc_info and record.exc_info[1])
        for record in caplog.records
        if record.levelname == "ERROR"
    ]
    assert logged == [("the lifespan failed to start", problem)]


def test_a_start_that_raises_no_exception_refuses_too(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    """``SystemExit`` in a factory does not end the loop that serves others."""

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> int:
        raise SystemExit(4)

    async def serve() -> list[Any]:
        handler = LifespanASGIHandler(registry)
        return [await request(handler, "/hello") for _ in range(2)]

    served = asyncio.run(serve())

    assert [status_of(sent) for sent in served] == [503, 503]
    assert "the lifespan failed to start" in caplog.messages


LEFT = """
from django_lifespan_typed.asgi import with_lifespan

async def app(scope: Any, receive: Any, send: Any) -> None:
    say(current_state()[pool] == f"pool of {os.getpid()}")

loop = asyncio.new_event_loop()
served = with_lifespan(app)({"type": "http"}, app, app)
loop.run_until_complete(served)
loop.close()
say("closed")
"""


def test_what_starts_when_the_main_thread_has_ended_is_closed_too() -> None:
    """A server in another thread, which is no daemon: at the end of the process."""
    script = """
from django_lifespan_typed.asgi import with_lifespan

async def app(scope: Any, receive: Any, send: Any) -> None:
    say(get_state(scope, pool) == f"pool of {os.getpid()}")

async def ask() -> None:
    await with_lifespan(app)({"type": "http"}, app, app)

def serve() -> None:
    threading.main_thread().join()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(ask())
    loops.append(loop)  # never closed

loops: list[Any] = []
threading.Thread(target=serve).start()
"""
    with running_script(script) as child:
        assert child.wait() == 0, child.output

    assert [line for line in child.lines if "lifespan" not in line][:3] == [
        *("+pool", "True", "-pool")
    ]


def test_a_loop_that_was_closed_under_it_does_not_hold_up_the_end() -> None:
    """Nothing can be awaited there any more: the process ends without an error."""
    with running_script(LEFT) as child:
        code = child.wait()

    assert code == 0, child.output
    # asyncio may complain of the task that was left behind.
    assert [line for line in child.lines if line in {"+pool", "True", "closed"}] == [
        *("+pool", "True", "closed")
    ]
    assert "closed at exit failed to close" not in child.output


async def test_a_request_that_no_task_handles_is_served(registry: Registry) -> None:
    """A server may call the application in a callback of its loop."""
    ended: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        ended.set_result((asyncio.current_task(), scope["state"]))

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> AsyncGenerator[int]:
        yield 7

    def drive() -> None:
        serving = application({"type": "http"}, app, app)
        with suppress(StopIteration):
            serving.send(None)
        serving.close()

    application: Any = with_lifespan(app, registry)
    async with FakeServer(application, state=None) as server:
        await server.startup()
        asyncio.get_running_loop().call_soon(drive)
        task, state = await asyncio.wait_for(ended, 30)
        await server.shutdown()

    assert task is None
    assert state == {"number": 7}


async def test_the_first_of_two_servers_may_leave_first(registry: Registry) -> None:
    """The other, on the same loop, goes on with its own."""
    states: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        states.append(scope["state"])

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> AsyncGenerator[int]:
        yield 7

    first: Any = with_lifespan(app, registry)
    second: Any = with_lifespan(app, registry)
    async with AsyncExitStack() as later:
        async with run_asgi_lifespan(first):
            state = await later.enter_async_context(run_asgi_lifespan(second))
        await second({"type": "http", "state": {**state}}, app, app)

    assert states == [{"number": 7}]


@pytest.mark.parametrize("states", [(True, True), (True, False), (False, True)])
async def test_one_of_two_servers_starts_and_stops_while_the_other_serves(
    states: tuple[bool, bool], registry: Registry
) -> None:
    """On one loop: requests of the other are served all the while, with its state."""
    served: list[Any] = []
    opening, closing, go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()
    opened: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        served.append(get_state(scope, NUMBER))

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> AsyncGenerator[int]:
        opened.append(7)
        if len(opened) == 2:
            opening.set()
            await go_on.wait()
        yield len(opened)
        if len(opened) == 2 and not closing.is_set():
            closing.set()
            await go_on.wait()

    first: Any = with_lifespan(app, registry)
    second: Any = with_lifespan(app, registry)
    of_first, of_second = ({} if has_state else None for has_state in states)

    async def ask() -> None:
        await first(
            {"type": "http", **({"state": {**of_first}} if of_first else {})}, app, app
        )

    async with FakeServer(first, state=of_first) as one:
        await one.startup()
        async with FakeServer(second, state=of_second) as two:
            two.tell("lifespan.startup")
            await opening.wait()
            await ask()
            go_on.set()
            await two.reply()
            await ask()
            go_on.clear()
            two.tell("lifespan.shutdown")
            await closing.wait()
            await ask()
            go_on.set()
            await two.reply()
        await ask()
        await one.shutdown()

    assert len(served) == 4
    assert served[0] == served[2] == served[3] == 1


@pytest.mark.parametrize("first_to_start", [0, 1])
@pytest.mark.parametrize("first_to_stop", [0, 1])
async def test_two_servers_that_start_at_once_serve_until_the_last_stops(
    first_to_start: int, first_to_stop: int, registry: Registry
) -> None:
    """One process, two ports: ``gather`` of two servers' ``serve()``."""
    turns, both = [asyncio.Event(), asyncio.Event()], asyncio.Event()
    opened: list[int] = []

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> AsyncGenerator[int]:
        opened.append(7)
        if len(opened) == 2:
            both.set()
        await turns[len(opened) - 1].wait()
        yield 7

    handler = LifespanASGIHandler(registry)
    statuses: list[int] = []

    async def ask() -> None:
        statuses.append(status_of(await request(handler, "/hello")))

    async with (
        FakeServer(handler, state=None) as one,
        FakeServer(handler, state=None) as two,
    ):
        servers = [one, two]
        for server in servers:
            server.tell("lifespan.startup")
        await asyncio.wait_for(both.wait(), LIMIT)
        for number_of in first_to_start, 1 - first_to_start:
            turns[number_of].set()
            await servers[number_of].reply()
            await ask()
        for number_of in first_to_stop, 1 - first_to_stop:
            await servers[number_of].shutdown()
            await ask()

    assert statuses == [200, 200, 200, 503]


@pytest.mark.parametrize("fails", [False, True])
async def test_requests_wait_for_a_server_that_starts_when_the_other_has_stopped(
    fails: bool, registry: Registry
) -> None:
    """They are neither refused meanwhile nor served half-started."""
    opening, go_on = asyncio.Event(), asyncio.Event()
    opened: list[int] = []

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> AsyncGenerator[int]:
        opened.append(7)
        if len(opened) == 2:
            opening.set()
            await go_on.wait()
            if fails:
                raise ValueError("there is none")
        yield 7

    handler = LifespanASGIHandler(registry)
    async with FakeServer(handler, state=None) as two:
        async with FakeServer(handler, state=None) as one:
            await one.startup()
            two.tell("lifespan.startup")
            await asyncio.wait_for(opening.wait(), LIMIT)
            await one.shutdown()
        asking = asyncio.ensure_future(request(handler, "/everywhere"))
        await asyncio.sleep(0)
        waits = not asking.done()
        go_on.set()
        await two.reply()
        status = status_of(await asking)

    assert (waits, status) == (True, 503 if fails else 200)


async def test_a_second_server_that_fails_to_start_does_not_end_the_first(
    registry: Registry,
) -> None:
    """Its own requests are those of the first, too: it is one application."""
    tries: list[int] = []

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> AsyncGenerator[int]:
        tries.append(1)
        if len(tries) == 2:
            raise ValueError("there is one")
        yield 7

    handler = LifespanASGIHandler(registry)
    async with FakeServer(handler, state=None) as one:
        await one.startup()
        async with FakeServer(handler, state=None) as two:
            failed = await two.startup()
        answer = await one.request("/everywhere")
        await one.shutdown()

    assert failed["type"] == "lifespan.startup.failed"
    assert json.loads(body_of(answer)) == EVERYWHERE


async def test_a_block_of_some_keys_serves_the_code_that_is_in_it_alone(
    numbered: Registry, journal: list[str]
) -> None:
    """A request from elsewhere has all that it is promised."""

    @lifespan_resource("other", registry=numbered)
    async def other() -> str:
        return "the other"

    entered, go_on = asyncio.Event(), asyncio.Event()
    handler = LifespanASGIHandler(numbered)

    async def job() -> None:
        async with Lifespan(numbered, only=(other,)):
            inside.append(await request(handler, "/names"))
            entered.set()
            await go_on.wait()

    inside: list[Any] = []
    working = asyncio.ensure_future(job())
    await entered.wait()
    outside = await request(handler, "/names")
    go_on.set()
    await working
    await host_of(numbered).start(asyncio.get_running_loop()).stop()

    assert json.loads(body_of(inside[0])) == ["other"]
    assert json.loads(body_of(outside)) == ["number", "other"]


@pytest.mark.parametrize("order", ["first", "second", "outside"])
async def test_a_block_of_another_registry_hides_none_of_its_own(
    order: str, numbered: Registry, journal: list[str]
) -> None:
    """Whichever of the two was entered first, and wherever."""
    handler = LifespanASGIHandler(numbered)
    blocks = [Lifespan(numbered), Lifespan(Registry())]
    if order == "second":
        blocks.reverse()

    if order == "outside":
        async with blocks[0], blocks[1]:
            served = await request(handler, "/names")
    else:
        for block in blocks:
            await Context().run(asyncio.create_task, block.__aenter__())
        served = await request(handler, "/names")
        for block in blocks:
            await block.__aexit__(None, None, None)

    assert json.loads(body_of(served)) == ["number"]
    assert journal == ["+number", "-number"]


async def test_a_block_after_a_servers_lifespan_on_the_same_loop(
    numbered: Registry,
) -> None:
    """Tests that share a loop: what a server ended before does not matter."""
    handler = LifespanASGIHandler(numbered)

    async with FakeServer(handler, state={}) as server:
        await server.startup()
        await server.shutdown()
        after = await server.request("/everywhere")
    async with Lifespan(numbered):
        served = await request(handler, "/everywhere")

    assert after[0]["status"] == 503
    assert json.loads(body_of(served)) == EVERYWHERE
