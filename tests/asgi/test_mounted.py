"""run_asgi_lifespan: the lifespan of another ASGI application."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import pytest
from django.core.handlers.asgi import ASGIHandler
from django.test import override_settings
from starlette.applications import Starlette

from django_lifespan_typed import (
    Lifespan,
    Registry,
    StateKey,
    get_state,
    lifespan_resource,
    run_asgi_lifespan,
)
from django_lifespan_typed.exceptions import LifespanError, ResourceCrashed
from tests.runtime.probes import Probes

from .server import LIMIT

MOUNTED = StateKey[dict[str, Any]]("mounted")


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

    return Starlette(lifespan=lifespan)


def mount(registry: Registry, app: Any, **options: Any) -> Any:
    """Declare *app* as the resource ``mounted``."""
    declare: Any = lifespan_resource(MOUNTED, registry=registry, **options)
    return declare(lambda *_: run_asgi_lifespan(app))


async def _complete(receive: Any, send: Any, *events: str) -> None:
    for event in events:
        await receive()
        await send({"type": f"lifespan.{event}.complete"})


class Crashing:
    """An application that ends, or fails, once ``crash`` is set."""

    def __init__(self, problem: BaseException | None) -> None:
        self.problem = problem
        self.crash = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await _complete(receive, send, "startup")
        await self.crash.wait()
        if self.problem is not None:
            raise self.problem


# --- Startup and shutdown


async def test_the_application_adds_to_the_state_it_is_given() -> None:
    seen: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(dict(scope["state"]))
        scope["state"]["added"] = 2
        await _complete(receive, send, "startup", "shutdown")

    given = {"given": 1}
    async with run_asgi_lifespan(app, state=given) as state:
        pass

    assert seen == [{"given": 1}]
    assert state is given
    assert given == {"given": 1, "added": 2}


async def test_an_application_is_a_resource_like_any_other(
    registry: Registry, probes: Probes, journal: list[str]
) -> None:
    probes.add("db")
    mount(registry, _starlette(journal), needs=(probes.resources["db"],))

    async with Lifespan(registry):
        found = get_state({}, MOUNTED)

    assert found == {"client": "its own"}
    assert journal == ["+db", "+starlette", "-starlette", "-db"]


@pytest.mark.parametrize("problem", [ValueError("of the block"), None])
async def test_a_block_that_fails_or_is_cancelled_stops_the_application(
    journal: list[str], problem: Exception | None
) -> None:
    entered = asyncio.Event()

    async def block() -> None:
        async with run_asgi_lifespan(_starlette(journal)):
            entered.set()
            if problem is not None:
                raise problem
            await asyncio.Event().wait()

    task = asyncio.ensure_future(block())
    await entered.wait()
    if problem is None:
        task.cancel()
    await asyncio.wait({task}, timeout=LIMIT)

    assert task.cancelled() if problem is None else task.exception() is problem
    assert journal == ["+starlette", "-starlette"]


async def test_an_application_cancelled_during_its_startup_leaves_no_task(
    journal: list[str],
) -> None:
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


# --- A failed startup or shutdown


@pytest.mark.parametrize(
    ("event", "step"), [("startup", "at_start"), ("shutdown", "at_stop")]
)
async def test_a_failure_has_the_message_of_the_application(
    registry: Registry, journal: list[str], event: str, step: str
) -> None:
    """Starlette sends its traceback. The error names the resource, too."""
    app = _starlette(journal, **{step: OSError("no route")})
    resource = mount(registry, app)

    with pytest.raises(LifespanError) as caught:
        async with Lifespan(registry):
            assert event == "shutdown"

    text = str(caught.value)
    assert text.startswith(f"the ASGI application Starlette failed at lifespan.{event}")
    assert "OSError: no route" in text
    (note,) = caught.value.__notes__  # type: ignore[attr-defined]
    assert "'mounted'" in note
    assert resource.declared_at.draw() in note


async def test_an_application_without_a_lifespan_is_an_error() -> None:
    with pytest.raises(LifespanError) as caught:
        async with run_asgi_lifespan(ASGIHandler()):
            raise AssertionError("it never starts")

    assert str(caught.value) == (
        "the ASGI application ASGIHandler failed at lifespan.startup: "
        "ValueError('Django can only handle ASGI/HTTP connections, not lifespan.')\n"
        "It must answer scopes of type 'lifespan'."
    )
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize("events", [("startup",), ("startup", "shutdown")])
async def test_an_exception_after_the_last_message_is_raised(
    events: tuple[str, ...],
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await _complete(receive, send, *events)
        raise RuntimeError("lost")

    with pytest.raises(LifespanError, match="lost"):
        async with run_asgi_lifespan(app):
            pass


@pytest.mark.parametrize("waits_for", ["a message", "a message in a task", "nothing"])
async def test_an_application_that_does_not_return_is_cancelled(
    waits_for: str, journal: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """At once if it waits for a message, since none follows the shutdown."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await _complete(receive, send, "startup", "shutdown")
        receiving = []
        try:
            if waits_for == "a message":
                await receive()
            elif waits_for == "a message in a task":
                receiving.append(asyncio.ensure_future(receive()))
            await asyncio.Event().wait()
        finally:
            for each in receiving:
                each.cancel()
            journal.append("cancelled")

    limit = 0.05 if waits_for == "nothing" else 3600
    with override_settings(LIFESPAN={"CANCEL_TIMEOUT": limit}):
        async with run_asgi_lifespan(app):
            pass

    assert journal == ["cancelled"]
    assert len(caplog.records) == (waits_for == "nothing")
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_application_that_ignores_its_cancellation_is_abandoned(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In a cancelled scope of anyio, too."""
    go_on = asyncio.Event()
    tasks: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        tasks.append(asyncio.current_task())
        await _complete(receive, send, "startup")
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
    await asyncio.wait(tasks, timeout=LIMIT)

    assert scope.cancelled_caught
    assert "abandoned" in caplog.text


# --- A crash while it is in use


@pytest.mark.parametrize(
    ("problem", "shown"),
    [
        (OSError("lost"), "lost"),
        (SystemExit(4), "SystemExit"),
        (None, "it ended"),
    ],
)
@pytest.mark.parametrize("swallows", [False, True])
async def test_a_crash_interrupts_the_block(
    problem: BaseException | None, shown: str, swallows: bool
) -> None:
    """As in a task group. A block that swallows the interruption fails at its end."""
    app = Crashing(problem)
    task: Any = asyncio.current_task()

    with pytest.raises(LifespanError) as caught:
        async with run_asgi_lifespan(app):
            app.crash.set()
            with suppress(*[asyncio.CancelledError] * swallows):
                await asyncio.Event().wait()

    assert "Crashing failed at lifespan.serving" in str(caught.value)
    assert shown in str(caught.value)
    assert caught.value.__cause__ is problem
    if sys.version_info >= (3, 11):  # time limits around the block read it
        assert task.cancelling() == 0


async def test_a_cancelled_application_is_not_shut_down() -> None:
    """``asyncio.run`` cancels all tasks of its loop."""
    tasks: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        tasks.append(asyncio.current_task())
        await _complete(receive, send, "startup")
        await receive()
        raise AssertionError("it gets no shutdown message")

    with pytest.raises(LifespanError, match="it ended"):
        async with run_asgi_lifespan(app):
            tasks[0].cancel()
            await asyncio.Event().wait()


async def test_a_crash_of_a_mounted_application_is_noticed(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    problem = OSError("lost")
    app = Crashing(problem)
    mount(registry, app)
    lifespan = Lifespan(registry)

    async with lifespan:
        tasks = asyncio.all_tasks()
        mounted = next(task for task in tasks if task.get_name() == "lifespan mounted")
        app.crash.set()
        await asyncio.wait({mounted}, timeout=LIMIT)
        (status,) = lifespan.status()

    assert status.phase == "crashed"
    assert isinstance(status.error, ResourceCrashed)
    assert status.error.__cause__.__cause__ is problem  # type: ignore[union-attr]
    logged = [record for record in caplog.records if record.levelname == "ERROR"]
    assert [record.name for record in logged] == ["django_lifespan_typed"]


async def test_an_application_may_receive_beside_its_clean_up() -> None:
    """It is cancelled only after its answer to the shutdown."""
    journal: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        messages: asyncio.Queue[Any] = asyncio.Queue()

        async def pump() -> None:
            while True:
                messages.put_nowait(await receive())

        pumping = asyncio.ensure_future(pump())
        await messages.get()
        await send({"type": "lifespan.startup.complete"})
        await messages.get()
        await asyncio.sleep(0)
        journal.append("closed")
        pumping.cancel()
        await send({"type": "lifespan.shutdown.complete"})

    async with run_asgi_lifespan(app):
        pass

    assert journal == ["closed"]
