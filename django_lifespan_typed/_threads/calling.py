"""A coroutine function, called from sync code on the loop of its resources."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import async_to_sync

from .._settings import LifespanSettings
from ..exceptions import LifespanError
from .asgiref import in_loop, use_loop
from .loop_thread import Portal

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
    What *function* returns, run on *loop*, with the caller's database connection.

    Raises ``LifespanError`` where waiting for it would never end.
    """
    if in_loop():
        raise LifespanError(
            "this code runs on an event loop, and would stop it by waiting\n"
            "Await the function instead of passing it to call()."
        )
    portal = Portal.of(loop)
    if not loop.is_running() or not (portal is None or portal.expect()):
        raise LifespanError(
            "the event loop of this Lifespan does not run, and would never call "
            f"the function\n    {loop!r}\nCall it where that loop runs, in another "
            "thread, or enter the lifespan with: with Lifespan() as state:"
        )
    tasks: list[asyncio.Task[Any] | None] = []
    interrupted = False
    is_expected = portal is not None

    def arrive() -> None:
        nonlocal is_expected
        if portal is not None and is_expected:
            is_expected = False
            portal.arrived()

    async def calling() -> T:
        arrive()
        if interrupted:
            raise asyncio.CancelledError  # before the loop came to it
        tasks.append(asyncio.current_task())
        return await function(*args, **kwargs)

    before = use_loop(loop)
    try:
        return async_to_sync(calling)()
    except BaseException:
        # Interrupted: it is not to go on while its resources are closed.
        interrupted = True
        for task in filter(None, tasks):
            _cancel_and_wait(task, loop)
        raise
    finally:
        arrive()
        use_loop(before)


def _cancel_and_wait(task: asyncio.Task[Any], loop: asyncio.AbstractEventLoop) -> None:
    if task.done():
        return  # it was the function that raised
    ended = threading.Event()

    def cancel() -> None:
        task.cancel()
        task.add_done_callback(lambda _: ended.set())

    with suppress(RuntimeError):  # the loop has been closed meanwhile
        loop.call_soon_threadsafe(cancel)
        ended.wait(min(LifespanSettings.read().CANCEL_TIMEOUT, threading.TIMEOUT_MAX))
