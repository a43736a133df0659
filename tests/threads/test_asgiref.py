"""What ``_portal.use_loop`` stands on: names that asgiref does not document."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from asgiref.sync import SyncToAsync, async_to_sync, sync_to_async

from django_lifespan_typed._threads.asgiref import loop_in_use, use_loop

from .threads import LoopThread

Threads = Callable[[], LoopThread]


async def loop_here() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def in_thread(work: Callable[[], object]) -> object:
    """In a thread of its own, where nothing was ever called."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(work).result()


async def test_asgiref_still_has_the_names() -> None:
    """It says itself, by these names, which loop a thread of its belongs to."""
    found = await sync_to_async(lambda: dict(vars(SyncToAsync.threadlocal)))()

    assert found["main_event_loop"] is asyncio.get_running_loop()
    assert found["main_event_loop_pid"] == os.getpid()
    assert isinstance(SyncToAsync.threadlocal, threading.local)
    assert isinstance(SyncToAsync.single_thread_executor, ThreadPoolExecutor)


def test_async_to_sync_runs_on_the_loop_that_is_set(loop_thread: Threads) -> None:
    """In the thread where it was set; in another one, on a loop of its own."""
    thread = loop_thread()

    def work() -> list[object]:
        use_loop(thread.loop)
        here = async_to_sync(loop_here)()
        elsewhere = in_thread(async_to_sync(loop_here))
        use_loop(None)
        return [here, elsewhere is thread.loop, async_to_sync(loop_here)() is here]

    assert in_thread(work) == [thread.loop, False, False]


def test_sync_code_under_it_runs_in_the_thread_that_called(
    loop_thread: Threads,
) -> None:
    """So that an ``atomic()`` round ``async_to_sync`` holds."""
    thread = loop_thread()

    async def ask() -> int:
        return await sync_to_async(threading.get_ident)()

    def work() -> tuple[int, int]:
        use_loop(thread.loop)
        return threading.get_ident(), async_to_sync(ask)()

    expected, found = in_thread(work)  # type: ignore[misc]
    assert found == expected


def test_it_returns_what_was_set_before(loop_thread: Threads) -> None:
    """So that it can be put back."""
    first, second = loop_thread(), loop_thread()

    def work() -> list[object]:
        return [
            loop_in_use(),
            use_loop(first.loop),
            use_loop(second.loop),
            loop_in_use(),
            use_loop(None),
            loop_in_use(),
        ]

    assert in_thread(work) == [None, None, first.loop, second.loop, second.loop, None]


def test_a_closed_loop_is_not_used(loop_thread: Threads) -> None:
    """Whether it was closed before it was set, or after."""
    before, after = loop_thread(), loop_thread()
    before.end()

    def work() -> list[object]:
        use_loop(before.loop)
        kept = loop_in_use()
        use_loop(after.loop)
        after.end()
        return [kept, async_to_sync(loop_here)() in {before.loop, after.loop}]

    assert in_thread(work) == [None, False]
