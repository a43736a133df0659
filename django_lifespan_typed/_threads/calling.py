"""Calls of coroutine functions from sync code, on the loop of their resources."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import TimeoutError as WaitTimeout
from contextlib import suppress
from threading import TIMEOUT_MAX
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import async_to_sync

from .._settings import LifespanSettings
from ..exceptions import LifespanError
from .asgiref import is_in_loop, use_loop
from .loop_thread import LoopThread

T = TypeVar("T")
P = ParamSpec("P")


def call_on(
    loop: asyncio.AbstractEventLoop,
    function: Callable[P, Coroutine[Any, Any, T]],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """
    Run *function* on *loop* and return its result.

    Queries that it makes run in the caller's thread, so in the caller's transaction.
    If the caller is interrupted, the coroutine is cancelled and awaited first. Raises
    ``LifespanError`` if waiting for it would never end.
    """
    if is_in_loop():
        raise LifespanError(
            "this code runs on an event loop, which call() would block\n"
            "Await the function instead of passing it to call()."
        )
    tasks: list[asyncio.Task[Any] | None] = []
    is_interrupted = False

    async def main() -> T:
        if is_interrupted:
            raise asyncio.CancelledError
        tasks.append(asyncio.current_task())
        return await function(*args, **kwargs)

    before = use_loop(loop)
    try:
        with LoopThread.keep_running(loop) as is_running:
            if not is_running:
                raise LifespanError(
                    f"the event loop of this lifespan is not running\n    {loop!r}\n"
                    "Call it while that loop runs, from another thread, or write: "
                    "with Lifespan() as state:"
                )
            try:
                # Not run_coroutine_threadsafe: asgiref keeps the caller's transaction.
                return async_to_sync(main)()
            except BaseException:
                is_interrupted = True
                for task in filter(None, tasks):
                    _cancel_and_wait(task, loop)
                raise
    finally:
        use_loop(before)


def _cancel_and_wait(task: asyncio.Task[Any], loop: asyncio.AbstractEventLoop) -> None:
    async def cancel() -> None:
        task.cancel()
        await asyncio.wait({task})

    if task.done():
        return  # the function itself raised
    limit = min(LifespanSettings.read().CANCEL_TIMEOUT, TIMEOUT_MAX)
    with suppress(RuntimeError, WaitTimeout):  # RuntimeError: the loop has been closed
        asyncio.run_coroutine_threadsafe(cancel(), loop).result(limit)
