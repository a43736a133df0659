"""Requests that their server has cut off: they end before resources are closed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from time import monotonic
from typing import Any, Final

from .._log import logger

# Where a task serves us, by what it has called.
_OURS: Final = {"LifespanASGIHandler.__call__", "with_lifespan.__call__"}
_LIFESPAN: Final = "answer_lifespan"
# The two tasks of Django's own for each request: to run its view, to hear of its end.
_VIEW: Final = "ASGIHandler.handle.<locals>.process_request"
_LISTENER: Final = "ASGIHandler.listen_for_disconnect"


async def end_cut_off(loop: asyncio.AbstractEventLoop, seconds: float) -> None:
    """
    Wait, at most *seconds*, for the requests that the server of *loop* has cancelled,
    as uvicorn and hypercorn do after their own time limit, and for their views, which
    Django leaves behind uncancelled. All others are left alone.
    """
    began = monotonic()
    await asyncio.sleep(0)  # who was cancelled in this very moment knows it then
    others = asyncio.all_tasks(loop) - {asyncio.current_task()}
    await wait_for(filter(_is_cut_off, others), seconds)
    left = [task for task in asyncio.all_tasks(loop) if _is_left_behind(task)]
    for task in left:
        task.cancel()
    await wait_for(left, seconds, spent=monotonic() - began)


async def wait_for(
    requests: Iterable[asyncio.Task[Any]], seconds: float, *, spent: float = 0
) -> None:
    """Wait until *requests* have ended, at most *seconds*."""
    tasks = set(requests)
    if not tasks:
        return
    limit = None if seconds == float("inf") else max(0, seconds - spent)
    done, pending = await asyncio.wait(tasks, timeout=limit)
    for task in done:
        if _is_djangos(task) and not task.cancelled():
            task.exception()  # nobody else asks for it; what views raise is in the log
    if pending:
        logger.warning(
            "requests did not end within %g s of being cancelled, and resources "
            "are closed under them: %d",
            seconds,
            len(pending),
        )


def is_view(task: asyncio.Task[Any]) -> bool:
    """Whether *task* is one in which Django runs a view."""
    return _name(task) == _VIEW


def _is_djangos(task: asyncio.Task[Any]) -> bool:
    return _name(task) in {_VIEW, _LISTENER}


def _is_left_behind(task: asyncio.Task[Any]) -> bool:
    # Django waits for it, until it is cancelled itself.
    return _is_djangos(task) and not getattr(task, "_callbacks", True)


def _name(task: asyncio.Task[Any]) -> str:
    return next(_calls(task), "")


def _is_cut_off(task: asyncio.Task[Any]) -> bool:
    cancelling = getattr(task, "cancelling", None)  # Python 3.11
    if cancelling is None or not cancelling():
        return False
    calls = set(_calls(task))
    # A lifespan that is cancelled may be what waits for us.
    return _LIFESPAN not in calls and not _OURS.isdisjoint(calls)


def _calls(task: asyncio.Task[Any]) -> Iterator[str]:
    """What *task* has called, and waits for, from the outside in."""
    coroutine: Any = task.get_coro()
    while coroutine is not None:
        yield getattr(coroutine, "__qualname__", "")
        coroutine = getattr(coroutine, "cr_await", None)
