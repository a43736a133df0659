"""``with Lifespan()``: resources beside sync code, on a thread with a loop."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncGenerator, Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connection, transaction
from django.test import override_settings

from django_lifespan_typed import (
    Lifespan,
    LifespanState,
    Registry,
    StateKey,
    current_state,
    lifespan_resource,
)
from django_lifespan_typed._threads import calling as _calling, loop_thread as _portal
from django_lifespan_typed._threads.loop_thread import Portal
from django_lifespan_typed.exceptions import (
    InvalidSetting,
    LifespanError,
    LifespanNotRunning,
    StartupTimeout,
    StateNotFound,
)

from .conftest import Add, portal_threads
from .scripts import interrupt, running_script


async def loop_here(*_: object) -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


# --- Start and stop


def test_resources_run_while_the_block_does(
    registry: Registry, add: Add, journal: list[str]
) -> None:
    """They start before it, against their needs, and stop after it."""
    db = add("db")
    add("cache", db)

    with Lifespan(registry) as state:
        journal.append(state[db])

    assert journal == ["+db", "+cache", "the db", "-cache", "-db"]


def test_only_what_is_named_and_its_needs_start(
    registry: Registry, add: Add, journal: list[str]
) -> None:
    """``only=`` spares a command the rest of the site."""
    db = add("db")
    cache = add("cache", db)
    add("mail")

    with Lifespan(registry, only=(cache,)) as state:
        assert sorted(state) == ["cache", "db"]

    assert journal == ["+db", "+cache", "-cache", "-db"]


def test_only_names_a_key_that_nothing_registers(registry: Registry, add: Add) -> None:
    """The error says what is registered, and no thread is left."""
    add("cache")

    with pytest.raises(StateNotFound) as caught:
        Lifespan(registry, only=(StateKey[str]("cachet"),)).__enter__()

    assert str(caught.value) == (
        "only= names 'cachet', which is not registered\n"
        "Did you mean 'cache'? Registered: 'cache'."
    )


def test_the_thread_is_gone_after_the_last_user(registry: Registry) -> None:
    """It is a daemon, and lives no longer than it is needed."""
    lifespans = [Lifespan(registry), Lifespan(registry)]

    lifespans[0].__enter__()
    lifespans[1].__enter__()
    (thread,) = portal_threads()
    lifespans[0].__exit__(None, None, None)
    between = portal_threads()
    lifespans[1].__exit__(None, None, None)

    assert thread.daemon
    assert between == [thread]
    assert portal_threads() == []
    assert lifespans[1].loop is None


def test_the_loop_is_closed_with_what_was_left_on_it(registry: Registry) -> None:
    """Tasks and async generators that sync code forgot end with the loop."""
    ended: list[str] = []

    async def endless() -> AsyncGenerator[int]:
        try:
            yield 1
        finally:
            ended.append("generator")

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("task")

    async def forget() -> list[object]:
        left = [asyncio.ensure_future(forever()), generator := endless()]
        await anext(generator)
        return left

    lifespan = Lifespan(registry)
    with lifespan:
        loop = lifespan.loop
        kept = lifespan.call(forget)

    assert kept
    assert sorted(ended) == ["generator", "task"]
    assert loop is not None
    assert loop.is_closed()


def test_it_may_be_entered_again(
    registry: Registry, add: Add, journal: list[str]
) -> None:
    """Each run is a new one, with values of its own."""
    db = add("db")
    lifespan = Lifespan(registry)

    for _ in range(2):
        with lifespan as state:
            journal.append(state[db])

    assert journal == ["+db", "the db", "-db"] * 2


def test_entered_twice_at_once_it_says_so(registry: Registry, add: Add) -> None:
    """The first run goes on."""
    db = add("db")
    lifespan = Lifespan(registry)

    with lifespan as state:
        with pytest.raises(LifespanError) as caught:
            lifespan.__enter__()
        assert state[db] == "the db"
        assert lifespan.call(loop_here) is lifespan.loop

    assert str(caught.value) == (
        "this Lifespan runs already\nMake another one: async with Lifespan() as state:"
    )


def test_left_without_being_entered_it_says_so(registry: Registry) -> None:
    """A second exit, or the first without an entry."""
    lifespan = Lifespan(registry)

    with pytest.raises(LifespanError) as caught:
        lifespan.__exit__(None, None, None)

    assert str(caught.value) == "this Lifespan does not run\nEnter it first: with"


async def test_on_an_event_loop_it_says_what_to_write(registry: Registry) -> None:
    """It would stop the loop: there is another spelling for that."""
    with pytest.raises(LifespanError) as caught:
        Lifespan(registry).__enter__()

    assert str(caught.value) == (
        "this code runs on an event loop, which a sync block would stop\n"
        "Write: async with Lifespan() as state:"
    )


def test_on_the_loop_of_the_resources_it_says_so_too(registry: Registry) -> None:
    """There it would wait for itself."""

    async def nested() -> None:
        with Lifespan(registry):
            raise AssertionError

    lifespan = Lifespan(registry)
    with lifespan, pytest.raises(LifespanError) as caught:
        lifespan.call(nested)

    assert str(caught.value) == (
        "this code runs on an event loop, which a sync block would stop\n"
        "Write: async with Lifespan() as state:"
    )


def test_the_portal_does_not_wait_for_itself() -> None:
    """Whoever waits for the loop from its own thread is told, and not hung."""
    portal = Portal.shared()

    async def waiting() -> object:
        return portal.run(loop_here)

    try:
        with pytest.raises(LifespanError) as caught:
            portal.run(waiting)
    finally:
        portal.release()

    assert str(caught.value) == (
        "this code runs on the loop of the resources already, and would wait for "
        "itself\nAwait it instead: async with Lifespan() as state:"
    )


# --- Failures


def test_a_failed_start_leaves_nothing_open(
    registry: Registry, add: Add, journal: list[str]
) -> None:
    """The error is the resource's own; no thread and no loop is left."""
    db = add("db")

    @lifespan_resource("broken", registry=registry, needs=(db,))
    async def broken(_: str) -> AsyncGenerator[int]:
        raise RuntimeError("no route to host")
        yield 1

    with pytest.raises(RuntimeError, match="no route to host"):
        Lifespan(registry).__enter__()

    assert journal == ["+db", "-db"]
    assert portal_threads() == []


def test_a_start_that_hangs_ends_at_its_limit(registry: Registry) -> None:
    """The limits hold as in async code."""

    @lifespan_resource("stuck", registry=registry, start_timeout=0.05)
    async def stuck() -> AsyncGenerator[int]:
        await asyncio.Event().wait()
        yield 1

    with pytest.raises(StartupTimeout):
        Lifespan(registry).__enter__()


def test_a_failed_stop_is_raised_after_the_others_were_closed(
    registry: Registry, add: Add, journal: list[str]
) -> None:
    """And the thread is gone all the same."""
    db = add("db")

    @lifespan_resource("broken", registry=registry, needs=(db,))
    async def broken(_: str) -> AsyncGenerator[int]:
        yield 1
        raise RuntimeError("still in use")

    lifespan = Lifespan(registry)
    lifespan.__enter__()
    with pytest.raises(RuntimeError, match="still in use"):
        lifespan.__exit__(None, None, None)

    assert journal == ["+db", "-db"]
    assert portal_threads() == []


def test_an_error_in_the_block_closes_and_is_raised_on(
    registry: Registry, add: Add, journal: list[str]
) -> None:
    """It is the block's own error that is seen."""
    add("db")

    with pytest.raises(ZeroDivisionError), Lifespan(registry):
        raise ZeroDivisionError

    assert journal == ["+db", "-db"]


# --- Async code from sync code


def test_async_to_sync_and_call_run_on_the_loop_of_the_resources(
    registry: Registry,
) -> None:
    """One loop for the values, for ``async_to_sync`` and for ``call``."""

    @lifespan_resource("loop", registry=registry)
    async def loop() -> AsyncGenerator[asyncio.AbstractEventLoop]:
        yield asyncio.get_running_loop()

    lifespan = Lifespan(registry)
    with lifespan as state:
        used = {
            state[loop],
            lifespan.loop,
            lifespan.call(loop_here),
            async_to_sync(loop_here)(),
            async_to_sync(loop_here)(),
        }

    assert len(used) == 1
    assert async_to_sync(loop_here)() not in used


@pytest.mark.parametrize("how", ["with", "async with"])
def test_a_blocking_factory_reaches_async_code_on_the_loop_of_its_needs(
    how: str, registry: Registry
) -> None:
    """``async_to_sync`` in its start, its stop and its health check."""
    loops: list[object] = []

    @lifespan_resource("client", registry=registry)
    async def client() -> AsyncGenerator[asyncio.AbstractEventLoop]:
        yield asyncio.get_running_loop()

    @lifespan_resource("index", needs=(client,), registry=registry)
    def index(_: object) -> Generator[int]:
        loops.append(async_to_sync(loop_here)())
        yield 1
        loops.append(async_to_sync(loop_here)())

    @index.health
    def check(_: object) -> None:
        loops.append(async_to_sync(loop_here)())

    async def run() -> object:
        lifespan = Lifespan(registry)
        async with lifespan as state:
            await lifespan.health()
        return state[client]

    if how == "with":
        lifespan = Lifespan(registry)
        with lifespan as state:
            lifespan.call(lifespan.health)
        own: object = state[client]
    else:
        own = asyncio.run(run())

    assert loops == [own] * 3


def test_a_call_that_comes_while_the_loop_ends_is_answered() -> None:
    """Its task is cancelled with the others: nobody waits for a loop that is gone."""
    portal = Portal.shared()
    ending, asking = threading.Event(), threading.Event()

    async def lingers() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ending.set()
            await asyncio.to_thread(asking.wait, 30)

    async def ask() -> None:
        asking.set()
        await asyncio.Event().wait()

    def call() -> object:
        assert ending.wait(30)
        try:
            return portal.run(ask)
        except BaseException as error:
            return type(error)

    async def begin() -> None:
        left.append(asyncio.ensure_future(lingers()))
        await asyncio.sleep(0)

    left: list[object] = []
    portal.run(begin)
    with ThreadPoolExecutor(1) as pool:
        called = pool.submit(call)
        portal.release()
        answer = called.result(60)

    assert answer is asyncio.CancelledError


def test_call_passes_arguments_results_and_errors(registry: Registry) -> None:
    """As the function was called, so it is called on the loop."""

    async def divide(number: int, *, by: int) -> float:
        return number / by

    lifespan = Lifespan(registry)
    with lifespan:
        quarter = lifespan.call(divide, 1, by=4)
        through_partial = lifespan.call(partial(divide, by=2), 1)
        with pytest.raises(ZeroDivisionError):
            lifespan.call(divide, 1, by=0)

    assert (quarter, through_partial) == (0.25, 0.5)


def test_call_sees_the_rows_of_the_callers_transaction(registry: Registry) -> None:
    """The ORM in async code uses the caller's connection, in the caller's thread."""

    def count() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM sync_books")
            return int(cursor.fetchone()[0])

    async def write_and_count() -> int:
        def write() -> None:
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO sync_books VALUES (2)")

        await sync_to_async(write)()
        return await sync_to_async(count)()

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE sync_books (id integer)")
    lifespan = Lifespan(registry)
    try:
        with lifespan, transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO sync_books VALUES (1)")
            seen = lifespan.call(write_and_count), async_to_sync(write_and_count)()
            transaction.set_rollback(True)
        left = count()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE sync_books")
        connection.close()

    assert seen == (2, 3)
    assert left == 0


def test_call_from_a_thread_has_the_values_of_its_own_lifespan(
    registry: Registry,
) -> None:
    """That of another block in the process runs on the same loop, and came first."""
    key = StateKey[str]("key")

    async def read() -> str:
        return current_state()[key]

    other = Registry()
    for each, value in (other, "of the other"), (registry, "its own"):

        @lifespan_resource(key, registry=each)
        async def _value(value: str = value) -> str:
            return value

    entered, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with Lifespan(other):
            entered.set()
            assert go_on.wait(60)

    with ThreadPoolExecutor(2) as pool:
        holding = pool.submit(hold)
        assert entered.wait(60)
        lifespan = Lifespan(registry)
        with lifespan:
            here = lifespan.call(read)
            there = pool.submit(lifespan.call, read).result(60)
        go_on.set()
        holding.result(60)

    assert (here, there) == ("its own", "its own")


def test_a_call_that_is_about_to_come_when_the_block_ends_is_not_lost(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is answered, or told that nothing runs: nobody waits for ever."""
    is_about_to, go_on = threading.Event(), threading.Event()
    use_loop = _calling.use_loop
    end_tasks = Portal._end_tasks

    def pausing(loop: Any) -> Any:
        if threading.current_thread() is not threading.main_thread():
            is_about_to.set()
            assert go_on.wait(60)
        return use_loop(loop)

    def ending(portal: Portal) -> None:
        go_on.set()
        end_tasks(portal)

    monkeypatch.setattr(_calling, "use_loop", pausing)
    monkeypatch.setattr(Portal, "_end_tasks", ending)
    lifespan = Lifespan(registry)
    with ThreadPoolExecutor(1) as pool:
        with lifespan:
            called = pool.submit(lifespan.call, loop_here)
            assert is_about_to.wait(60)
        error = called.exception(60)

    assert error is None or isinstance(error, asyncio.CancelledError)


def test_a_call_that_comes_after_the_last_look_is_waited_for(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was left then, and something is about to come."""
    looks: list[bool] = []
    ends = Portal._ends

    def look(portal: Portal) -> bool:
        if not looks:
            assert portal.expect()
            looks.append(ends(portal))
            portal.arrived()
            return looks[0]
        looks.append(ends(portal))
        return looks[-1]

    monkeypatch.setattr(Portal, "_ends", look)
    with Lifespan(registry):
        pass

    assert looks == [False, True]


def test_a_call_that_was_interrupted_before_it_came_is_not_waited_for_long(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C may come between any two steps of Python's."""
    monkeypatch.setattr(_portal, "_COMING", 0.05)
    with Lifespan(registry):
        portal = Portal.shared()
        portal.release()
        assert portal.expect()

    assert not portal.alive
    portal.arrived()  # after all
    assert portal._expected == 0


def test_a_call_that_comes_when_the_loop_has_ended_says_so(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its last turn and its end."""
    lifespan = Lifespan(registry)
    with lifespan:
        portal = Portal.of(lifespan.loop) if lifespan.loop else None
        assert portal is not None
        monkeypatch.setattr(portal, "_ended", True)

        with pytest.raises(LifespanError, match="does not run"):
            lifespan.call(loop_here)

        monkeypatch.undo()


def test_call_without_a_run_says_so(registry: Registry) -> None:
    """Before, and after."""
    lifespan = Lifespan(registry)
    with lifespan:
        pass

    with pytest.raises(LifespanError) as caught:
        lifespan.call(loop_here)

    assert str(caught.value) == (
        "this Lifespan does not run\nEnter it first: with Lifespan() as state:"
    )


ON_A_LOOP = (
    "this code runs on an event loop, and would stop it by waiting\n"
    "Await the function instead of passing it to call()."
)


async def test_call_from_an_async_block_says_so(registry: Registry) -> None:
    """It would wait for the loop that it blocks."""
    lifespan = Lifespan(registry)

    async with lifespan:
        with pytest.raises(LifespanError) as caught:
            lifespan.call(loop_here)

    assert str(caught.value) == ON_A_LOOP


def test_call_from_the_loop_of_a_sync_block_says_so(registry: Registry) -> None:
    """The same, on the thread of the loop."""
    lifespan = Lifespan(registry)

    async def calling() -> object:
        return lifespan.call(loop_here)

    with lifespan, pytest.raises(LifespanError) as caught:
        lifespan.call(calling)

    assert str(caught.value) == ON_A_LOOP


async def test_call_from_another_thread_runs_on_the_async_blocks_loop(
    registry: Registry,
) -> None:
    """Sync code in a thread reaches the lifespan of async code."""
    lifespan = Lifespan(registry)

    async with lifespan:
        used = await asyncio.to_thread(lifespan.call, loop_here)
        sensitive = await sync_to_async(lifespan.call)(loop_here)

    assert used is sensitive is asyncio.get_running_loop()


def test_call_on_a_loop_that_stands_still_says_so(registry: Registry) -> None:
    """Nobody would ever run the function."""
    loop = asyncio.new_event_loop()
    lifespan = Lifespan(registry)

    loop.run_until_complete(lifespan.__aenter__())
    try:
        with pytest.raises(LifespanError) as caught:
            lifespan.call(loop_here)
    finally:
        loop.run_until_complete(lifespan.__aexit__(None, None, None))
        loop.close()

    assert str(caught.value) == (
        "the event loop of this Lifespan does not run, and would never call the "
        f"function\n    {repr(loop).replace('closed=True', 'closed=False')}\n"
        "Call it where that loop runs, in another thread, or enter the lifespan with: "
        "with Lifespan() as state:"
    )


# --- Several


def test_nested_blocks_share_the_loop(
    registry: Registry, add: Add, journal: list[str]
) -> None:
    """Each has its own values; the inner one ends first, the outer one goes on."""
    db = add("db")
    outer, inner = Lifespan(registry), Lifespan(registry)

    with outer:
        with inner as state:
            loops = {outer.loop, inner.loop, async_to_sync(loop_here)()}
            assert current_state() is state
        assert current_state() is outer.state
        loops.add(async_to_sync(loop_here)())
        journal.append(outer.state[db])

    assert len(loops) == 1
    assert journal == ["+db", "+db", "-db", "the db", "-db"]


def test_threads_share_the_loop_and_nothing_else(
    registry: Registry, add: Add, journal: list[str]
) -> None:
    """Blocks in several threads at once, each with values of its own."""
    add("db")
    together = threading.Barrier(4, timeout=30)

    def work() -> tuple[LifespanState, object]:
        with Lifespan(registry) as state:
            together.wait()
            loop = async_to_sync(loop_here)()
            together.wait()
        return state, loop

    with ThreadPoolExecutor(4) as threads:
        done = [future.result() for future in [threads.submit(work) for _ in range(4)]]

    assert len({id(state) for state, _ in done}) == 4
    assert len({loop for _, loop in done}) == 1
    assert sorted(journal) == ["+db"] * 4 + ["-db"] * 4


def test_a_block_left_in_another_thread_is_closed(
    registry: Registry, add: Add, journal: list[str]
) -> None:
    """The loop closes it, whoever asks."""
    add("db")
    lifespan = Lifespan(registry)

    with ThreadPoolExecutor(1) as threads:
        threads.submit(lifespan.__enter__).result()
        lifespan.__exit__(None, None, None)

    assert journal == ["+db", "-db"]


async def test_in_a_sync_view_its_own_lifespan_is_the_current_one(
    registry: Registry, add: Add
) -> None:
    """Sync code inside an async lifespan has two to choose from: the nearest wins."""
    db = add("db")

    def view() -> tuple[bool, bool]:
        outside = current_state() is outer
        with Lifespan(registry) as state:
            inside = current_state() is state and state[db] == "the db"
        return outside and current_state() is outer, inside

    async with Lifespan(registry) as outer:
        seen = await sync_to_async(view)()

    assert seen == (True, True)


async def test_a_thread_that_belongs_to_no_loop_has_to_choose(
    registry: Registry,
) -> None:
    """Two loops have a lifespan, and nothing tells which one is meant."""
    choose = threading.Event()
    ready = threading.Event()
    loops: list[Any] = [asyncio.get_running_loop()]

    def sync_block() -> None:
        lifespan = Lifespan(registry)
        with lifespan:
            loops.append(lifespan.loop)
            ready.set()
            assert choose.wait(30)

    def elsewhere() -> str:
        with pytest.raises(LifespanNotRunning) as caught:
            current_state()
        return str(caught.value)

    async with Lifespan(registry):
        with ThreadPoolExecutor(1) as threads:
            blocked = threads.submit(sync_block)
            await asyncio.to_thread(ready.wait, 30)
            try:
                text = await asyncio.to_thread(elsewhere)
            finally:
                choose.set()
            blocked.result()

    portal = repr(loops[1]).replace(
        "running=False closed=True", "running=True closed=False"
    )
    assert text == (
        "this thread has no event loop, and the process has more than one lifespan\n"
        f"    {loops[0]!r}\n    {portal}\n"
        "Pass what tells them apart: the request, or its scope, to get_state()."
    )


# --- Interrupted


def test_ctrl_c_while_starting_closes_what_had_started() -> None:
    """What still starts is cancelled and awaited; the interrupt is raised on."""
    script = """
@lifespan_resource("stuck", needs=(pool,))
async def stuck(_: str) -> AsyncGenerator[int]:
    say("starting")
    try:
        await asyncio.Event().wait()
    finally:
        say("cancelled")
    yield 1

try:
    with Lifespan():
        say("never")
except KeyboardInterrupt:
    say("lifespan loop" in [thread.name for thread in threading.enumerate()])
    raise
"""
    with running_script(script) as child:
        child.until("^starting$")

        code = child.end(signal.SIGINT)

    assert code == -signal.SIGINT
    assert child.lines[:5] == [
        "+pool",
        "starting",
        "cancelled",
        "-pool",
        "False",
    ]


def test_ctrl_c_twice_while_starting_closes_what_had_started() -> None:
    """The second comes while the first is cleaned up after."""
    script = """
from django_lifespan_typed._threads import loop_thread as _portal

@lifespan_resource("db", needs=(pool,))
async def db(_: str) -> AsyncGenerator[int]:
    try:
        yield 1
    finally:
        say("closing")
        await asyncio.to_thread(go_on.wait)
        await asyncio.sleep(0.1)  # several pieces
        say("closed")

@lifespan_resource("stuck", needs=(db,))
async def stuck(_: int) -> AsyncGenerator[int]:
    say("starting")
    await asyncio.Event().wait()
    yield 1

def on_sigint(*_: object) -> None:
    say("interrupted")
    raise KeyboardInterrupt

_portal._PIECE = 0.01
go_on = threading.Event()
signal.signal(signal.SIGUSR1, lambda *_: go_on.set())
signal.signal(signal.SIGINT, on_sigint)
try:
    with Lifespan():
        say("never")
except KeyboardInterrupt:
    say("lifespan loop" in [thread.name for thread in threading.enumerate()])
"""
    with running_script(script) as child:
        child.until("^starting$")
        child.send(signal.SIGINT)
        child.until("^closing$")
        child.send(signal.SIGINT)
        child.until("^interrupted$", nth=2)
        child.send(signal.SIGUSR1)
        assert child.wait() == 0

    assert child.lines == [
        *("+pool", "starting", "interrupted", "closing", "interrupted"),
        *("closed", "-pool", "False"),
    ]


def test_ctrl_c_while_a_start_blocks_the_loop_closes_what_has_started() -> None:
    """It has started before it hears of that: then it is left, in its order."""
    script = """
import time

@lifespan_resource("model", needs=(pool,))
async def model(_: str) -> AsyncGenerator[int]:
    say("loading")
    while not interrupted:
        time.sleep(0.01)
    try:
        yield 1
    finally:
        await asyncio.sleep(0.1)
        say("-model")

interrupted = []

def interrupt(*_: object) -> None:
    interrupted.append(True)
    raise KeyboardInterrupt

signal.signal(signal.SIGINT, interrupt)
lifespan = Lifespan()
try:
    with lifespan:
        say("never")
except KeyboardInterrupt:
    say(lifespan.loop)
    say([record.phase for record in lifespan.status()])
    raise
"""
    with running_script(script) as child:
        child.until("^loading$")

        code = child.end(signal.SIGINT)

    assert code == -signal.SIGINT
    assert child.lines[:6] == [
        "+pool",
        "loading",
        "-model",
        "-pool",
        "None",
        "['stopped', 'stopped']",
    ]


def test_ctrl_c_before_the_loop_comes_to_a_call_ends_that_call() -> None:
    """What was not begun is not begun any more, when its caller has been told so."""
    script = """
import time

interrupted = []

def interrupt(*_: object) -> None:
    interrupted.append(True)
    raise KeyboardInterrupt

signal.signal(signal.SIGINT, interrupt)

def waits() -> bool:
    frame = sys._current_frames()[threading.main_thread().ident]
    while frame is not None and frame.f_code.co_name != "run_until_future":
        frame = frame.f_back
    return frame is not None

def blocks() -> None:
    while not waits():
        time.sleep(0.01)
    say("blocking")
    while not interrupted:
        time.sleep(0.01)

async def charge() -> None:
    say("charged")

lifespan = Lifespan()
with lifespan:
    lifespan.loop.call_soon_threadsafe(blocks)
    lifespan.call(charge)
"""
    with running_script(script) as child:
        child.until("^blocking$")

        interrupt(child, signal.SIGINT, "-pool")
        code = child.wait()

    assert code == -signal.SIGINT
    assert child.lines[:3] == ["+pool", "blocking", "-pool"]


def test_ctrl_c_in_async_code_ends_it_before_its_resources() -> None:
    """Called code is cancelled and has unwound before what it uses is closed."""
    script = """
async def work() -> None:
    say("working")
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        say("unwound")

lifespan = Lifespan()
with lifespan:
    lifespan.call(work)
"""
    with running_script(script) as child:
        child.until("^working$")

        interrupt(child, signal.SIGINT, "unwound")
        code = child.wait()

    assert code == -signal.SIGINT
    assert child.lines[:4] == ["+pool", "working", "unwound", "-pool"]


def test_ctrl_c_while_stopping_closes_the_rest() -> None:
    """Impatience leaves nothing open: the stop goes on, and then it is raised."""
    script = """
impatient = asyncio.Event()

def interrupt(*_: object) -> None:
    lifespan.loop.call_soon_threadsafe(impatient.set)
    raise KeyboardInterrupt

signal.signal(signal.SIGINT, interrupt)

@lifespan_resource("slow", needs=(pool,))
async def slow(_: str) -> AsyncGenerator[int]:
    yield 1
    say("stopping")
    await impatient.wait()
    say("-slow")

lifespan = Lifespan()
with lifespan:
    pass
"""
    with running_script(script) as child:
        child.until("^stopping$")

        code = child.end(signal.SIGINT)

    assert code == -signal.SIGINT
    assert child.lines[:4] == ["+pool", "stopping", "-slow", "-pool"]


def test_a_process_that_forgets_to_leave_ends_all_the_same() -> None:
    """Its daemon thread keeps no process alive."""
    script = """
lifespan = Lifespan()
lifespan.__enter__()
say("leaving")
"""
    with running_script(script) as child:
        code = child.wait()

    assert (code, child.lines) == (0, ["+pool", "leaving"])


def test_settings_hold_in_sync_code_too(registry: Registry) -> None:
    """``settings.LIFESPAN`` is read at each start."""

    @lifespan_resource("stuck", registry=registry)
    async def stuck() -> AsyncGenerator[int]:
        await asyncio.Event().wait()
        yield 1

    with (
        override_settings(LIFESPAN={"START_TIMEOUT": 0.05}),
        pytest.raises(StartupTimeout) as caught,
    ):
        Lifespan(registry).__enter__()

    assert caught.value.seconds == 0.05


def test_work_that_was_interrupted_before_it_began_is_begun_and_cancelled(
    monkeypatch: pytest.MonkeyPatch, journal: list[str]
) -> None:
    """A stop that never takes its first step would stop nothing."""
    portal = Portal.shared()
    tell = portal.loop.call_soon_threadsafe

    def interrupted(*_: Any, **__: Any) -> None:
        monkeypatch.setattr(portal.loop, "call_soon_threadsafe", tell)
        raise KeyboardInterrupt

    async def work() -> None:
        journal.append("begun")
        try:
            await asyncio.Event().wait()
        finally:
            journal.append("unwound")

    monkeypatch.setattr(portal.loop, "call_soon_threadsafe", interrupted)
    try:
        with pytest.raises(KeyboardInterrupt):
            portal.run(work)
    finally:
        portal.release()

    assert journal == ["begun", "unwound"]


def test_wrong_settings_leave_no_loop(registry: Registry) -> None:
    """They are said once, by who enters; the thread ends as ever."""
    loops: list[asyncio.AbstractEventLoop] = []
    portal = Portal.shared()
    loops.append(portal.loop)

    with (
        override_settings(LIFESPAN={"STRAT_TIMEOUT": 3}),
        pytest.raises(InvalidSetting),
    ):
        try:
            Lifespan(registry).__enter__()
        finally:
            portal.release()

    assert [loop.is_closed() for loop in loops] == [True]
    assert portal_threads() == []
