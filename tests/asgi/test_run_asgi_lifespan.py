"""``run_asgi_lifespan``: the lifespan of another ASGI application, run by ours."""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import pytest
from django.core.handlers.asgi import ASGIHandler
from django.test import override_settings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from django_lifespan_typed import (
    Lifespan,
    Registry,
    StateKey,
    get_state,
    lifespan_resource,
    run_asgi_lifespan,
)
from django_lifespan_typed.exceptions import LifespanError, ResourceCrashed

from .places import drawn
from .server import LIMIT, body_of, request


async def _answer(asked: Request) -> PlainTextResponse:
    return PlainTextResponse(f"client is {asked.state.client}")


def _starlette(
    journal: list[str],
    *,
    at_start: BaseException | None = None,
    at_stop: BaseException | None = None,
) -> Starlette:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
        journal.append("+starlette")
        if at_start is not None:
            raise at_start
        yield {"client": "its own"}
        journal.append("-starlette")
        if at_stop is not None:
            raise at_stop

    return Starlette(routes=[Route("/", _answer)], lifespan=lifespan)


class Crashing:
    """An application that ends, or fails, when it is told to."""

    def __init__(self, problem: BaseException | None) -> None:
        self.problem = problem
        self.crash = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await self.crash.wait()
        if self.problem is not None:
            raise self.problem


# --- As it should be


async def test_starlette_starts_and_stops(journal: list[str]) -> None:
    """Its lifespan encloses the block, and its state is what the block gets."""
    async with run_asgi_lifespan(_starlette(journal)) as state:
        journal.append("block")
        found = dict(state)

    assert found == {"client": "its own"}
    assert journal == ["+starlette", "block", "-starlette"]


async def test_starlette_serves_with_its_own_state(journal: list[str]) -> None:
    """A copy of the state on each request is what a mounted application expects."""
    app = _starlette(journal)

    async with run_asgi_lifespan(app) as state:
        served = await request(app, "/", state=dict(state))

    assert body_of(served) == "client is its own"


async def test_what_is_given_is_there_at_its_start() -> None:
    """*state* is what the application starts with; it adds to it in place."""
    seen: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(dict(scope["state"]))
        scope["state"]["added"] = 2
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    given = {"given": 1}
    async with run_asgi_lifespan(app, state=given) as state:
        pass

    assert seen == [{"given": 1}]
    assert state is given
    assert given == {"given": 1, "added": 2}


async def test_the_application_has_one_task_for_its_whole_lifespan() -> None:
    """What anyio holds open across a yield needs that."""
    tasks: list[Any] = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        tasks.append(asyncio.current_task())
        yield
        tasks.append(asyncio.current_task())

    async with run_asgi_lifespan(Starlette(lifespan=lifespan)):
        pass

    entered, left = tasks
    assert entered is left
    assert entered is not asyncio.current_task()


async def test_as_a_resource_it_starts_and_stops_along_the_plan(
    registry: Registry, journal: list[str]
) -> None:
    """A mounted application is a resource like any other."""
    app = _starlette(journal)

    @lifespan_resource("db", registry=registry)
    async def db() -> AsyncIterator[str]:
        journal.append("+db")
        yield "db"
        journal.append("-db")

    mounted = lifespan_resource("mounted", needs=(db,), registry=registry)(
        lambda db: run_asgi_lifespan(app)
    )

    async with Lifespan(registry) as state:
        found = dict(state[mounted])

    assert found == {"client": "its own"}
    assert journal == ["+db", "+starlette", "-starlette", "-db"]


async def test_a_failing_block_still_stops_the_application(journal: list[str]) -> None:
    """The block's own error is what is raised."""
    problem = ValueError("of the block")

    with pytest.raises(ValueError) as caught:
        async with run_asgi_lifespan(_starlette(journal)):
            raise problem

    assert caught.value is problem
    assert journal == ["+starlette", "-starlette"]


async def test_a_cancelled_block_still_stops_the_application(
    journal: list[str],
) -> None:
    """A cancellation is a shutdown, for the mounted application too."""
    entered = asyncio.Event()

    async def block() -> None:
        async with run_asgi_lifespan(_starlette(journal)):
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.ensure_future(block())
    await entered.wait()
    task.cancel()
    await asyncio.wait({task}, timeout=LIMIT)

    assert task.cancelled()
    assert journal == ["+starlette", "-starlette"]


async def test_cancelled_while_it_starts_the_application_is_cancelled(
    journal: list[str],
) -> None:
    """No task of it is left behind."""
    entered = asyncio.Event()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            journal.append("cancelled")
        yield

    async def block() -> None:
        async with run_asgi_lifespan(Starlette(lifespan=lifespan)):
            raise AssertionError("it never starts")

    before = asyncio.all_tasks()
    task = asyncio.ensure_future(block())
    await entered.wait()
    task.cancel()
    await asyncio.wait({task}, timeout=LIMIT)

    assert task.cancelled()
    assert journal == ["cancelled"]
    assert asyncio.all_tasks() == before


# --- That does not start


async def test_a_failed_start_says_what_the_application_said(
    journal: list[str],
) -> None:
    """Starlette sends its traceback, so it is in the error."""
    app = _starlette(journal, at_start=OSError("no route"))

    with pytest.raises(LifespanError) as caught:
        async with run_asgi_lifespan(app):
            raise AssertionError("it never starts")

    first, *_, last = str(caught.value).rstrip().splitlines()
    assert first == (
        "the ASGI application Starlette failed at lifespan.startup: "
        "Traceback (most recent call last):"
    )
    assert last == "OSError: no route" or "OSError: no route" in str(caught.value)
    assert journal == ["+starlette"]


async def test_a_failed_start_as_a_resource_names_the_resource(
    registry: Registry, journal: list[str]
) -> None:
    """The server's log says which of the mounted applications it was."""
    app = _starlette(journal, at_start=OSError("no route"))
    declare: Any = lifespan_resource("mounted", registry=registry)  # A1
    declare(lambda: run_asgi_lifespan(app))

    with pytest.raises(LifespanError) as caught:
        async with Lifespan(registry):
            raise AssertionError("it never starts")

    assert caught.value.__notes__ == [  # type: ignore[attr-defined]
        f"while starting lifespan resource 'mounted'\n{drawn(__file__, '# A1')}"
    ]
    assert "OSError: no route" in str(caught.value)


async def test_an_application_without_a_lifespan_is_an_error() -> None:
    """Django's own handler refuses the scope: the error says what was missing."""
    with pytest.raises(LifespanError) as caught:
        async with run_asgi_lifespan(ASGIHandler()):
            raise AssertionError("it never starts")

    assert str(caught.value) == (
        "the ASGI application ASGIHandler failed at lifespan.startup: "
        "ValueError('Django can only handle ASGI/HTTP connections, not lifespan.')\n"
        "It must answer scopes of type 'lifespan'."
    )
    assert isinstance(caught.value.__cause__, ValueError)


async def test_an_application_that_just_returns_is_an_error() -> None:
    """A silent return is no answer."""

    async def silent(scope: Any, receive: Any, send: Any) -> None:
        return None

    with pytest.raises(LifespanError) as caught:
        async with run_asgi_lifespan(silent):
            raise AssertionError("it never starts")

    assert str(caught.value) == (
        f"the ASGI application {silent.__qualname__} failed at lifespan.startup: "
        "it ended\nIt must answer scopes of type 'lifespan'."
    )


@pytest.mark.parametrize("raised", [SystemExit(4), KeyboardInterrupt()], ids=type)
async def test_an_application_cannot_end_the_process_at_its_start(
    raised: BaseException,
) -> None:
    """Rule 7: it is a failed start, not the end of the loop."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise raised

    with pytest.raises(LifespanError) as caught:
        async with run_asgi_lifespan(app):
            raise AssertionError("it never starts")

    assert str(caught.value) == (
        f"the ASGI application {app.__qualname__} failed at lifespan.startup: "
        f"{raised!r}\nIt must answer scopes of type 'lifespan'."
    )


# --- That does not stop


async def test_a_failed_stop_says_what_the_application_said(
    journal: list[str],
) -> None:
    """With its traceback, and as the error of the block."""
    app = _starlette(journal, at_stop=OSError("lost"))

    with pytest.raises(LifespanError) as caught:
        async with run_asgi_lifespan(app):
            pass

    said = str(caught.value)
    assert said.startswith(
        "the ASGI application Starlette failed at lifespan.shutdown: "
        "Traceback (most recent call last):\n"
    )
    assert "OSError: lost" in said
    assert journal == ["+starlette", "-starlette"]


async def test_a_stop_that_hangs_is_cut_off_as_a_resource(
    registry: Registry, journal: list[str]
) -> None:
    """The limit of the resource holds for the application behind it."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        try:
            await asyncio.Event().wait()
        finally:
            journal.append("cancelled")

    app = Starlette(lifespan=lifespan)
    lifespan_resource("mounted", registry=registry, stop_timeout=0.05)(
        lambda: run_asgi_lifespan(app)
    )

    with pytest.raises(LifespanError) as caught:
        async with Lifespan(registry):
            pass

    assert str(caught.value).startswith(
        "lifespan resource 'mounted' did not stop within 0.05 s\n"
    )
    assert journal == ["cancelled"]


# --- That ends while it is in use

CRASHES = [
    pytest.param(OSError("lost"), "OSError('lost')", id="fails"),
    pytest.param(None, "it ended", id="ends"),
]


@pytest.mark.parametrize(("problem", "said"), CRASHES)
async def test_a_crash_interrupts_who_relies_on_it(
    problem: BaseException | None, said: str
) -> None:
    """As a task group does: the block does not wait for what is dead."""
    app = Crashing(problem)

    with pytest.raises(LifespanError) as caught:
        async with run_asgi_lifespan(app):
            app.crash.set()
            await asyncio.Event().wait()

    assert str(caught.value) == (
        f"the ASGI application Crashing failed at lifespan.serving: {said}\n"
        "It must answer scopes of type 'lifespan'."
    )
    assert caught.value.__cause__ is problem


async def test_a_crash_shows_where_it_happened() -> None:
    """Its traceback is under the error that is raised for it."""
    app = Crashing(OSError("lost"))

    with pytest.raises(LifespanError) as caught:
        async with run_asgi_lifespan(app):
            app.crash.set()
            await asyncio.Event().wait()

    shown = "".join(traceback.format_exception(caught.value))
    assert "raise self.problem" in shown


@pytest.mark.skipif(sys.version_info < (3, 11), reason="no uncancel before 3.11")
async def test_after_a_crash_the_task_is_not_cancelled_any_more() -> None:
    """Who has handled the crash goes on, with time limits and task groups."""
    app = Crashing(OSError("lost"))
    task: Any = asyncio.current_task()

    with pytest.raises(LifespanError):
        async with run_asgi_lifespan(app):
            app.crash.set()
            await asyncio.Event().wait()

    assert task.cancelling() == 0


async def test_an_application_that_is_cancelled_has_nothing_to_stop() -> None:
    """It has not crashed: somebody cancels all tasks of the loop, as asyncio.run()."""
    tasks: list[asyncio.Task[Any] | None] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        tasks.append(asyncio.current_task())
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        raise AssertionError("it is told to stop")

    with pytest.raises(LifespanError, match="it ended"):
        async with run_asgi_lifespan(app):
            for task in filter(None, tasks):
                task.cancel()
            await asyncio.Event().wait()


async def test_an_application_that_does_not_return_is_cancelled_in_time() -> None:
    """It has said that it is down; the stop that waits for it has a limit."""
    down = asyncio.Event()
    journal: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for event in "startup", "shutdown":
            await receive()
            await send({"type": f"lifespan.{event}.complete"})
        down.set()
        try:
            await asyncio.Event().wait()
        finally:
            journal.append("cancelled")

    async def use() -> None:
        async with run_asgi_lifespan(app):
            pass

    using = asyncio.ensure_future(use())
    await down.wait()
    using.cancel()
    await asyncio.wait({using})

    assert using.cancelled()
    assert journal == ["cancelled"]


async def test_an_application_may_close_after_it_has_said_that_it_is_down(
    registry: Registry, journal: list[str]
) -> None:
    """What stands round another has more to close; a resource's limit holds."""

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        for event in "startup", "shutdown":
            await receive()
            await send({"type": f"lifespan.{event}.complete"})

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await inner(scope, receive, send)
        await asyncio.sleep(0.1)  # longer than the limit
        journal.append("closed")

    @lifespan_resource("app", registry=registry)
    def _app() -> Any:
        return run_asgi_lifespan(app)

    with override_settings(LIFESPAN={"CANCEL_TIMEOUT": 0.01}):
        async with Lifespan(registry):
            pass

    assert journal == ["closed"]


@pytest.mark.parametrize("asks", [True, False])
async def test_an_application_that_is_down_and_goes_on_is_cancelled(
    asks: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Where it waits for more, also in a task of its own, it has time to close."""
    journal: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for event in "startup", "shutdown":
            await receive()
            await send({"type": f"lifespan.{event}.complete"})
        asking = [asyncio.ensure_future(receive()) for _ in range(2 * asks)]
        try:
            await asyncio.sleep(0)
            journal.append("closing")
            await asyncio.Event().wait()
        finally:
            for each in asking:
                each.cancel()
            journal.append("cancelled")

    with override_settings(LIFESPAN={"STOP_TIMEOUT": 0.05, "CANCEL_TIMEOUT": 0.05}):
        async with run_asgi_lifespan(app):
            pass

    assert journal == ["closing", "cancelled"]
    assert ("is down and goes on" in caplog.text) == (not asks)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_application_that_ignores_its_cancellation_is_left(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Also inside an anyio scope, whose deadline has passed."""
    go_on = asyncio.Event()
    ended: list[asyncio.Task[Any] | None] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        ended.append(asyncio.current_task())
        await receive()
        await send({"type": "lifespan.startup.complete"})
        while not go_on.is_set():
            with suppress(asyncio.CancelledError):
                await go_on.wait()

    with (
        override_settings(LIFESPAN={"CANCEL_TIMEOUT": 0.05}),
        anyio.CancelScope() as scope,
    ):
        async with run_asgi_lifespan(app):
            scope.cancel()
            await asyncio.Event().wait()
    go_on.set()
    await asyncio.wait([task for task in ended if task is not None])

    assert scope.cancelled_caught
    assert "ignores that it was cancelled" in caplog.text


async def test_an_application_that_waits_for_more_is_ended(
    registry: Registry, journal: list[str]
) -> None:
    """The message is the end of a shutdown, says the specification."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            while True:
                message = await receive()
                await send({"type": f"{message['type']}.complete"})
        finally:
            journal.append("ended")

    @lifespan_resource("app", registry=registry)
    def _app() -> Any:
        return run_asgi_lifespan(app)

    with override_settings(LIFESPAN={"CANCEL_TIMEOUT": 0.05}):
        async with Lifespan(registry):
            pass

    assert journal == ["ended"]


async def test_a_block_that_ignores_the_crash_is_told_when_it_ends() -> None:
    """A swallowed cancellation does not hide that the application has died."""
    app = Crashing(OSError("lost"))

    with pytest.raises(LifespanError) as caught:
        async with run_asgi_lifespan(app):
            app.crash.set()
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    assert str(caught.value) == (
        "the ASGI application Crashing failed at lifespan.serving: OSError('lost')\n"
        "It must answer scopes of type 'lifespan'."
    )


async def test_a_crash_as_a_resource_is_noticed(
    registry: Registry, journal: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Rule 14: logged with its traceback, the phase is crashed, the rest goes on."""
    problem = OSError("lost")
    app = Crashing(problem)

    @lifespan_resource("db", registry=registry)
    async def db() -> AsyncIterator[str]:
        yield "db"
        journal.append("-db")

    lifespan_resource("mounted", registry=registry)(lambda: run_asgi_lifespan(app))
    lifespan = Lifespan(registry)

    async with lifespan:
        mounted = next(
            task
            for task in asyncio.all_tasks()
            if task.get_name() == "lifespan mounted"
        )
        app.crash.set()
        await asyncio.wait({mounted}, timeout=LIMIT)
        phases = {status.name: status.phase for status in lifespan.status()}
        errors = {status.name: status.error for status in lifespan.status()}

    assert phases == {"db": "running", "mounted": "crashed"}
    assert isinstance(errors["mounted"], ResourceCrashed)
    assert errors["mounted"].__cause__.__cause__ is problem  # type: ignore[union-attr]
    assert journal == ["-db"]
    logged = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [record.name for record in logged] == ["django_lifespan_typed"]


@pytest.mark.parametrize("raised", [SystemExit(4), KeyboardInterrupt()], ids=type)
async def test_an_application_cannot_end_the_process_while_serving(
    raised: BaseException,
) -> None:
    """It is a crash like any other."""
    app = Crashing(raised)

    with pytest.raises(LifespanError) as caught:
        async with run_asgi_lifespan(app):
            app.crash.set()
            await asyncio.Event().wait()

    assert str(caught.value) == (
        f"the ASGI application Crashing failed at lifespan.serving: {raised!r}\n"
        "It must answer scopes of type 'lifespan'."
    )


# --- Mounted in Django


async def test_a_view_reads_the_state_of_a_mounted_application(
    registry: Registry, journal: list[str]
) -> None:
    """The state of the one is a value on the state of the other."""
    app = _starlette(journal)
    key = StateKey[dict[str, Any]]("mounted")
    declare: Callable[[Any], Any] = lifespan_resource(key, registry=registry)
    declare(lambda: run_asgi_lifespan(app))

    async with Lifespan(registry):
        found = get_state({}, key)
        served = await request(app, "/", state=dict(found))

    assert body_of(served) == "client is its own"
