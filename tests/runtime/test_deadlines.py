"""Deadlines call back once their time limits have passed."""

from __future__ import annotations

import asyncio
import time
from contextvars import ContextVar
from functools import partial
from math import inf

from django_lifespan_typed._runtime.deadlines import Deadlines


def timers() -> int:
    """Return how many timers of the event loop are not cancelled."""
    loop = asyncio.get_running_loop()
    return sum(not timer.cancelled() for timer in loop._scheduled)  # type: ignore[attr-defined]


async def test_callbacks_are_called_in_order_by_one_timer() -> None:
    """Also if the event loop was blocked until all deadlines had passed."""
    called: list[str] = []
    done = asyncio.Event()
    deadlines = Deadlines()
    deadlines.set(done.set, 0.04)
    for name, seconds in {"third": 0.03, "first": 0.01, "second": 0.02}.items():
        deadlines.set(partial(called.append, name), seconds)
    deadlines.set(partial(called.append, "never"), inf)

    assert timers() == 1
    time.sleep(0.05)
    await done.wait()
    assert called == ["first", "second", "third"]
    assert timers() == 0


async def test_a_later_deadline_replaces_an_earlier_one() -> None:
    called: asyncio.Queue[str] = asyncio.Queue()
    deadlines = Deadlines()
    moved = partial(called.put_nowait, "moved")
    deadlines.set(moved, 0.0)
    deadlines.set(partial(called.put_nowait, "kept"), 0.01)
    deadlines.set(moved, 0.02)

    assert [await called.get(), await called.get()] == ["kept", "moved"]


async def test_a_callback_changes_the_deadlines_of_others() -> None:
    called: asyncio.Queue[str] = asyncio.Queue()
    deadlines = Deadlines()
    cleared = partial(called.put_nowait, "cleared")
    again = partial(called.put_nowait, "again")

    def first() -> None:
        deadlines.clear(cleared)
        deadlines.set(again, 0.0)

    deadlines.set(first, 0.0)
    deadlines.set(cleared, 0.0)

    assert await called.get() == "again"
    assert called.empty()


async def test_the_others_are_called_after_one_that_raises() -> None:
    raised: list[object] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: raised.append(type(context["exception"]))
    )
    done = asyncio.Event()
    deadlines = Deadlines()
    deadlines.set(partial(int, "not a number"), 0.0)
    deadlines.set(done.set, 0.01)

    await done.wait()
    assert raised == [ValueError]


async def test_callbacks_do_not_run_in_the_context_of_a_resource() -> None:
    variable = ContextVar("variable", default="the run")
    seen: asyncio.Queue[str] = asyncio.Queue()
    deadlines = Deadlines()

    async def resource() -> None:
        variable.set("a resource")
        deadlines.set(lambda: seen.put_nowait(variable.get()), 0.0)

    await asyncio.create_task(resource())
    assert await seen.get() == "the run"


async def test_no_timer_is_left_without_a_deadline() -> None:
    deadlines = Deadlines()
    deadlines.set(print, 60)
    deadlines.clear(print)
    deadlines.clear(len)

    assert timers() == 0
