"""Deadlines call back once their time limits have passed."""

from __future__ import annotations

import asyncio
from functools import partial
from math import inf

from django_lifespan_typed._runtime.deadlines import Deadlines


def timers() -> int:
    """Return how many timers of the event loop are not cancelled."""
    loop = asyncio.get_running_loop()
    return sum(not timer.cancelled() for timer in loop._scheduled)  # type: ignore[attr-defined]


async def test_callbacks_are_called_in_order_by_one_timer() -> None:
    called: asyncio.Queue[str] = asyncio.Queue()
    deadlines = Deadlines()
    for name, seconds in {"third": 0.03, "first": 0.01, "second": 0.02}.items():
        deadlines.set(partial(called.put_nowait, name), seconds)
    deadlines.set(partial(called.put_nowait, "never"), inf)

    assert timers() == 1
    names = [await called.get() for _ in range(3)]
    assert names == ["first", "second", "third"]
    assert timers() == 0


async def test_a_later_deadline_replaces_an_earlier_one() -> None:
    called: asyncio.Queue[str] = asyncio.Queue()
    deadlines = Deadlines()
    moved, kept = (
        partial(called.put_nowait, "moved"),
        partial(called.put_nowait, "kept"),
    )
    deadlines.set(moved, 0.0)
    deadlines.set(kept, 0.01)
    deadlines.set(moved, 0.02)

    assert [await called.get(), await called.get()] == ["kept", "moved"]


async def test_a_callback_changes_the_deadlines_of_others() -> None:
    called: asyncio.Queue[str] = asyncio.Queue()
    deadlines = Deadlines()

    def first() -> None:
        deadlines.clear(cleared)
        deadlines.set(again, 0.0)

    def cleared() -> None:
        called.put_nowait("cleared")

    def again() -> None:
        called.put_nowait("again")

    deadlines.set(first, 0.0)
    deadlines.set(cleared, 0.0)

    assert await called.get() == "again"
    assert called.empty()


async def test_no_timer_is_left_without_a_deadline() -> None:
    deadlines = Deadlines()
    deadlines.set(print, 60)
    deadlines.clear(print)
    deadlines.clear(len)

    assert timers() == 0
