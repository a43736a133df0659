"""The attributes of asgiref by which ``async_to_sync`` finds its event loop."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from asgiref.sync import SyncToAsync, async_to_sync, sync_to_async

from django_lifespan_typed._threads.asgiref import loop_in_use, use_loop
from tests.runtime.loop_threads import LoopThread, threads

__all__ = ["threads"]


async def running_loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def in_thread(work: Callable[[], object]) -> object:
    """Call *work* in a new thread."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(work).result()


async def test_asgiref_still_has_the_attributes() -> None:
    """It sets them itself in the threads of ``sync_to_async``."""
    found = await sync_to_async(lambda: dict(vars(SyncToAsync.threadlocal)))()

    assert found["main_event_loop"] is asyncio.get_running_loop()
    assert found["main_event_loop_pid"] == os.getpid()
    assert isinstance(SyncToAsync.threadlocal, threading.local)
    assert isinstance(SyncToAsync.single_thread_executor, ThreadPoolExecutor)


def test_async_to_sync_runs_on_the_loop_set_in_its_thread(
    threads: list[LoopThread],
) -> None:
    first, second = threads

    def work() -> list[object]:
        before = [use_loop(first.loop), use_loop(second.loop)]
        here = async_to_sync(running_loop)()
        elsewhere = in_thread(async_to_sync(running_loop))
        before.append(use_loop(None))
        after = async_to_sync(running_loop)()
        return [before, here, elsewhere is here, after is here, loop_in_use()]

    before = [None, first.loop, second.loop]
    assert in_thread(work) == [before, second.loop, False, False, None]


def test_a_closed_loop_is_not_used(threads: list[LoopThread]) -> None:
    """Neither if it was closed before ``use_loop`` nor after."""
    first, second = threads
    first.end()

    def work() -> list[object]:
        use_loop(first.loop)
        kept = loop_in_use()
        use_loop(second.loop)
        second.end()
        return [kept, async_to_sync(running_loop)() in {first.loop, second.loop}]

    assert in_thread(work) == [None, False]
