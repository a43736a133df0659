"""The application's side of the ASGI lifespan messages."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest

from django_lifespan_typed import Registry, get_state, lifespan_resource
from django_lifespan_typed.exceptions import (
    ProtocolError,
    ShutdownTimeout,
    StartupError,
    StartupTimeout,
)
from django_lifespan_typed.handler import LifespanASGIHandler

from .places import drawn
from .server import STARTED, STOPPED, FakeServer, body_of, request
from .urls import NUMBER

if sys.version_info < (3, 11):
    from exceptiongroup import BaseExceptionGroup, ExceptionGroup


@pytest.fixture
def journaling(registry: Registry, journal: list[str]) -> Registry:
    """A registry of ``db`` and of ``repo``, which needs it; both in the journal."""

    @lifespan_resource("db", registry=registry)
    async def db() -> AsyncGenerator[str]:
        journal.append("+db")
        yield "db"
        journal.append("-db")

    @lifespan_resource("repo", needs=(db,), registry=registry)
    async def repo(db: str) -> AsyncGenerator[str]:
        journal.append("+repo")
        yield "repo"
        journal.append("-repo")

    return registry


async def test_answers_each_message_when_it_is_done(
    journaling: Registry, journal: list[str]
) -> None:
    """Complete means complete: after the last start, after the last stop."""
    async with FakeServer(
        LifespanASGIHandler(journaling), state={}, journal=journal
    ) as server:
        await server.startup()
        await server.shutdown()
        outcome = await server.outcome()

    assert outcome is None
    assert journal == [
        "+db",
        "+repo",
        "lifespan.startup.complete",
        "-repo",
        "-db",
        "lifespan.shutdown.complete",
    ]


async def test_nothing_starts_before_the_startup_message(
    journaling: Registry, journal: list[str]
) -> None:
    """The scope alone starts nothing: the server says when."""
    async with FakeServer(LifespanASGIHandler(journaling), state={}) as server:
        for _ in range(10):
            await asyncio.sleep(0)

        assert journal == []
        assert await server.startup() == STARTED


# --- A failed start


async def test_a_failed_start_is_sent_then_raised(
    journaling: Registry, journal: list[str]
) -> None:
    """All is closed, the server told, and the very error raised out of the app."""
    problem = OSError("no route to the cache")

    @lifespan_resource("cache", needs=(journaling["repo"],), registry=journaling)  # C1
    async def cache(repo: str) -> AsyncGenerator[str]:
        raise problem
        yield ""

    async with FakeServer(
        LifespanASGIHandler(journaling), state={}, journal=journal
    ) as server:
        sent = await server.startup()
        outcome = await server.outcome()

    assert outcome is problem
    assert journal == ["+db", "+repo", "-repo", "-db", "lifespan.startup.failed"]
    named, place, *shown = sent["message"].splitlines()
    assert named == "while starting lifespan resource 'cache'"
    assert place == drawn(__file__, "# C1")
    assert shown[0] == "Traceback (most recent call last):"
    assert "    raise problem" in shown
    assert "OSError: no route to the cache" in shown


async def test_a_start_that_takes_too_long_is_sent_with_its_place(
    registry: Registry,
) -> None:
    """What the server prints says which resource, where, and where the limit is."""

    @lifespan_resource("slow", registry=registry, start_timeout=0.05)  # C2
    async def slow() -> AsyncGenerator[None]:
        await asyncio.Event().wait()
        yield

    async with FakeServer(LifespanASGIHandler(registry), state={}) as server:
        sent = await server.startup()
        outcome = await server.outcome()

    assert isinstance(outcome, StartupTimeout)
    assert sent["type"] == "lifespan.startup.failed"
    assert str(outcome) == (
        "lifespan resource 'slow' did not start within 0.05 s\n"
        f"{drawn(__file__, '# C2')}\n"
        "To allow it more time, set start_timeout= (seconds) "
        'or LIFESPAN["START_TIMEOUT"].'
    )
    assert str(outcome) in sent["message"]


@pytest.mark.parametrize(
    "raised",
    [
        pytest.param(asyncio.CancelledError(), id="CancelledError"),
        pytest.param(SystemExit(4), id="SystemExit"),
        pytest.param(KeyboardInterrupt(), id="KeyboardInterrupt"),
        pytest.param(GeneratorExit(), id="GeneratorExit"),
        pytest.param(
            BaseExceptionGroup("several", [SystemExit(4)]), id="BaseExceptionGroup"
        ),
    ],
)
async def test_what_is_no_exception_is_a_failed_start(
    journaling: Registry, journal: list[str], raised: BaseException
) -> None:
    """Never "lifespan appears unsupported", and never a process that just ends."""

    @lifespan_resource("odd", needs=(journaling["repo"],), registry=journaling)  # C3
    async def odd(repo: str) -> None:
        raise raised

    async with FakeServer(
        LifespanASGIHandler(journaling), state={}, journal=journal
    ) as server:
        sent = await server.startup()
        outcome = await server.outcome()

    assert isinstance(outcome, StartupError)
    assert str(outcome) == (
        f"lifespan resource 'odd' failed to start: {type(raised).__name__}\n"
        f"{drawn(__file__, '# C3')}"
    )
    assert outcome.__cause__ is raised
    assert str(outcome) in sent["message"]
    assert journal == ["+db", "+repo", "-repo", "-db", "lifespan.startup.failed"]


async def test_a_handler_starts_again_after_a_failed_start(
    registry: Registry, journal: list[str]
) -> None:
    """A server that tries again gets a start of its own."""
    problems = [OSError("not yet")]

    @lifespan_resource("db", registry=registry)
    async def db() -> AsyncGenerator[str]:
        if problems:
            raise problems.pop()
        journal.append("+db")
        yield "db"
        journal.append("-db")

    handler = LifespanASGIHandler(registry)
    async with FakeServer(handler, state={}) as server:
        first = await server.startup()
    async with FakeServer(handler, state={}) as server:
        second = await server.startup()
        served = await server.request("/hello")
        await server.shutdown()

    assert first["type"] == "lifespan.startup.failed"
    assert second == STARTED
    assert body_of(served) == "hello"
    assert journal == ["+db", "-db"]


# --- A failed stop


async def test_a_failed_stop_is_sent_then_raised(
    registry: Registry, journal: list[str]
) -> None:
    """The server is told which resource did not close; the others are closed."""
    problem = OSError("lost")

    @lifespan_resource("db", registry=registry)
    async def db() -> AsyncGenerator[str]:
        journal.append("+db")
        yield "db"
        journal.append("-db")

    @lifespan_resource("repo", needs=(db,), registry=registry)  # C4
    async def repo(db: str) -> AsyncGenerator[str]:
        yield "repo"
        raise problem

    async with FakeServer(
        LifespanASGIHandler(registry), state={}, journal=journal
    ) as server:
        await server.startup()
        sent = await server.shutdown()
        outcome = await server.outcome()

    assert outcome is problem
    assert journal == [
        "+db",
        "lifespan.startup.complete",
        "-db",
        "lifespan.shutdown.failed",
    ]
    named, place, *shown = sent["message"].splitlines()
    assert named == "while stopping lifespan resource 'repo'"
    assert place == drawn(__file__, "# C4")
    assert shown[0] == "Traceback (most recent call last):"
    assert "OSError: lost" in shown


async def test_several_failed_stops_are_one_group(registry: Registry) -> None:
    """Everybody who failed is in the message, and in the group that is raised."""

    @lifespan_resource("one", registry=registry)
    async def one() -> AsyncGenerator[None]:
        yield
        raise OSError("of one")

    @lifespan_resource("two", registry=registry)
    async def two() -> AsyncGenerator[None]:
        yield
        raise ValueError("of two")

    async with FakeServer(LifespanASGIHandler(registry), state={}) as server:
        await server.startup()
        sent = await server.shutdown()
        outcome = await server.outcome()

    assert isinstance(outcome, ExceptionGroup)
    assert sorted(map(str, outcome.exceptions)) == ["of one", "of two"]
    assert sent["type"] == "lifespan.shutdown.failed"
    for said in ("OSError: of one", "ValueError: of two"):
        assert said in sent["message"]


async def test_no_failed_stop_is_left_out_of_the_message(registry: Registry) -> None:
    """A traceback has fifteen of a group; the message names them all."""
    names = [f"resource {number}" for number in range(40)]
    for name in names:

        @lifespan_resource(name, registry=registry)
        async def _() -> AsyncGenerator[None]:
            yield
            raise ValueError("lost")

    async with FakeServer(LifespanASGIHandler(registry), state={}) as server:
        await server.startup()
        sent = await server.shutdown()
        await server.outcome()

    assert [name for name in names if repr(name) not in sent["message"]] == []


async def test_a_stop_that_hangs_is_sent_with_its_place(
    registry: Registry, journal: list[str]
) -> None:
    """A hang is a failure with a name, and keeps nobody else open."""

    @lifespan_resource("db", registry=registry)
    async def db() -> AsyncGenerator[str]:
        yield "db"
        journal.append("-db")

    @lifespan_resource(  # C5
        "stuck", needs=(db,), registry=registry, stop_timeout=0.05
    )
    async def stuck(db: str) -> AsyncGenerator[None]:
        yield
        await asyncio.Event().wait()

    async with FakeServer(LifespanASGIHandler(registry), state={}) as server:
        await server.startup()
        sent = await server.shutdown()
        outcome = await server.outcome()

    assert isinstance(outcome, ShutdownTimeout)
    assert str(outcome) == (
        "lifespan resource 'stuck' did not stop within 0.05 s\n"
        f"{drawn(__file__, '# C5')}\n"
        "Waiting for it: 'db'.\nTo allow it more time, set stop_timeout= (seconds) "
        'or LIFESPAN["STOP_TIMEOUT"] and "STOP_BUDGET".'
    )
    assert sent["type"] == "lifespan.shutdown.failed"
    assert str(outcome) in sent["message"]
    assert journal == ["-db"]


# --- Cancellation


async def test_cancelled_before_the_startup_nothing_starts(
    journaling: Registry, journal: list[str]
) -> None:
    """A server that gives up before it has begun gets its cancellation back."""
    async with FakeServer(LifespanASGIHandler(journaling), state={}) as server:
        await asyncio.sleep(0)
        server.task.cancel()
        outcome = await server.outcome()

    assert isinstance(outcome, asyncio.CancelledError)
    assert journal == []
    assert server.sent == []


async def test_cancelled_during_the_start_closes_what_is_open(
    journaling: Registry, journal: list[str]
) -> None:
    """What had started is closed, what was starting is cancelled."""
    entered = asyncio.Event()

    @lifespan_resource("slow", needs=(journaling["repo"],), registry=journaling)
    async def slow(repo: str) -> AsyncGenerator[None]:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            journal.append("slow was cancelled")
        yield

    async with FakeServer(LifespanASGIHandler(journaling), state={}) as server:
        server.tell("lifespan.startup")
        await entered.wait()
        server.task.cancel()
        outcome = await server.outcome()

    assert isinstance(outcome, asyncio.CancelledError)
    assert journal == ["+db", "+repo", "slow was cancelled", "-repo", "-db"]
    assert server.sent == []


async def test_cancelled_while_serving_closes_everything(
    journaling: Registry, journal: list[str]
) -> None:
    """gunicorn's quick stop and a second Ctrl-C send no shutdown: they cancel."""
    async with FakeServer(LifespanASGIHandler(journaling), state={}) as server:
        await server.startup()
        server.task.cancel()
        outcome = await server.outcome()

    assert isinstance(outcome, asyncio.CancelledError)
    assert journal == ["+db", "+repo", "-repo", "-db"]
    assert server.sent == [STARTED]


async def test_cancelled_during_the_stop_goes_on_closing(
    registry: Registry, journal: list[str]
) -> None:
    """An impatient server cancels a stop: what is open is closed all the same."""
    stopping, leave = asyncio.Event(), asyncio.Event()

    @lifespan_resource("db", registry=registry)
    async def db() -> AsyncGenerator[str]:
        yield "db"
        journal.append("-db")

    @lifespan_resource("repo", needs=(db,), registry=registry)
    async def repo(db: str) -> AsyncGenerator[str]:
        yield "repo"
        stopping.set()
        await leave.wait()
        journal.append("-repo")

    async with FakeServer(LifespanASGIHandler(registry), state={}) as server:
        await server.startup()
        server.tell("lifespan.shutdown")
        await stopping.wait()
        server.task.cancel()
        await asyncio.sleep(0)
        assert not server.task.done()
        leave.set()
        outcome = await server.outcome()

    assert isinstance(outcome, asyncio.CancelledError)
    assert journal == ["-repo", "-db"]
    assert server.sent == [STARTED]


# --- Messages out of place


async def test_a_second_startup_closes_and_is_an_error(
    journaling: Registry, journal: list[str]
) -> None:
    """Nothing starts twice: the error says who has to mend it."""
    async with FakeServer(LifespanASGIHandler(journaling), state={}) as server:
        await server.startup()
        server.tell("lifespan.startup")
        outcome = await server.outcome()

    assert isinstance(outcome, ProtocolError)
    assert str(outcome) == (
        "the server sent 'lifespan.startup' a second time where 'lifespan.shutdown' "
        "was due (the ASGI specification, 'Lifespan Protocol')\n"
        "Report it to the server, or to the middleware between it and Django."
    )
    assert journal == ["+db", "+repo", "-repo", "-db"]
    assert server.sent == [STARTED]


async def test_an_unknown_message_while_serving_closes_and_is_an_error(
    journaling: Registry, journal: list[str]
) -> None:
    """What is not understood is not ignored, and leaves nothing open."""
    async with FakeServer(LifespanASGIHandler(journaling), state={}) as server:
        await server.startup()
        server.tell("lifespan.pause")
        outcome = await server.outcome()

    assert isinstance(outcome, ProtocolError)
    assert str(outcome) == (
        "the server sent unknown 'lifespan.pause' where 'lifespan.shutdown' "
        "was due (the ASGI specification, 'Lifespan Protocol')\n"
        "Report it to the server, or to the middleware between it and Django."
    )
    assert journal == ["+db", "+repo", "-repo", "-db"]
    assert server.sent == [STARTED]


async def test_an_unknown_first_message_starts_nothing(
    journaling: Registry, journal: list[str]
) -> None:
    """A lifespan that begins otherwise than with a startup is refused."""
    async with FakeServer(LifespanASGIHandler(journaling), state={}) as server:
        server.tell("lifespan.pause")
        outcome = await server.outcome()

    assert isinstance(outcome, ProtocolError)
    assert str(outcome) == (
        "the server sent unknown 'lifespan.pause' where 'lifespan.startup' "
        "was due (the ASGI specification, 'Lifespan Protocol')\n"
        "Report it to the server, or to the middleware between it and Django."
    )
    assert journal == []
    assert server.sent == []


async def test_a_shutdown_without_a_startup_is_complete(
    journaling: Registry, journal: list[str]
) -> None:
    """There is nothing to stop, and the server need not wait for it."""
    async with FakeServer(LifespanASGIHandler(journaling), state={}) as server:
        sent = await server.shutdown()
        outcome = await server.outcome()

    assert sent == STOPPED
    assert outcome is None
    assert journal == []


# --- Again, and elsewhere


async def test_one_handler_runs_one_lifespan_after_another(
    journaling: Registry, journal: list[str]
) -> None:
    """Mangum starts and stops at each call, on one loop."""
    handler = LifespanASGIHandler(journaling)
    served = []

    for _ in range(2):
        async with FakeServer(handler, state={}) as server:
            await server.startup()
            served.append(body_of(await server.request("/hello")))
            await server.shutdown()

    assert served == ["hello", "hello"]
    assert journal == ["+db", "+repo", "-repo", "-db"] * 2


def test_one_handler_runs_a_lifespan_on_each_new_loop(
    journaling: Registry, journal: list[str]
) -> None:
    """A test suite has a loop per test, and one application."""
    handler = LifespanASGIHandler(journaling)

    async def serve() -> str:
        async with FakeServer(handler, state={}) as server:
            await server.startup()
            served = await server.request("/hello")
            await server.shutdown()
        return body_of(served)

    assert [asyncio.run(serve()), asyncio.run(serve())] == ["hello", "hello"]
    assert journal == ["+db", "+repo", "-repo", "-db"] * 2


def test_two_loops_in_two_threads_share_one_handler(registry: Registry) -> None:
    """Each loop has values of its own, at the same time, in one process."""
    both_run = threading.Barrier(2, timeout=30)
    numbers = iter([1, 2])
    closed: list[tuple[int, bool]] = []

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> AsyncGenerator[int]:
        mine, loop = next(numbers), asyncio.get_running_loop()
        yield mine
        closed.append((mine, loop is asyncio.get_running_loop()))

    handler = LifespanASGIHandler(registry)
    seen: dict[int, Any] = {}

    def in_thread(index: int) -> None:
        async def serve() -> None:
            state: dict[str, Any] = {}
            async with FakeServer(handler, state=state) as server:
                await server.startup()
                both_run.wait()
                found = get_state({"state": {}}, number)
                served = await server.request("/everywhere-async")
                both_run.wait()
                seen[index] = (state["number"], found, body_of(served))
                await server.shutdown()

        asyncio.run(serve())

    threads = [threading.Thread(target=in_thread, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(state for state, _, _ in seen.values()) == [1, 2]
    for mine, found, served in seen.values():
        assert found == mine
        assert served == (
            f'{{"get_state": {mine}, "request.state": {mine}, "by name": {mine}, '
            f'"current_state": {mine}}}'
        )
    assert sorted(closed) == [(1, True), (2, True)]


async def test_a_blocking_resource_is_closed_in_its_own_thread(
    registry: Registry,
) -> None:
    """A cancelled lifespan closes a blocking resource where it was opened."""
    threads = []

    @lifespan_resource("file", registry=registry)
    def file() -> Generator[str]:
        threads.append(threading.current_thread())
        yield "file"
        threads.append(threading.current_thread())

    async with FakeServer(LifespanASGIHandler(registry), state={}) as server:
        await server.startup()
        server.task.cancel()
        await server.outcome()

    opened, closed = threads
    assert opened is closed
    assert opened is not threading.current_thread()


async def test_another_request_after_the_stop_starts_nothing(
    journaling: Registry, journal: list[str]
) -> None:
    """Stopped is stopped: a late request is no reason to start lazily."""
    handler = LifespanASGIHandler(journaling)
    async with FakeServer(handler, state={}) as server:
        await server.startup()
        await server.shutdown()

    await request(handler, "/hello")

    assert journal == ["+db", "+repo", "-repo", "-db"]
