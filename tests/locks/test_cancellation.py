"""A cancellation at any await of a lock leaves no lock, thread or connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from types import coroutine
from typing import Any

import anyio
import pytest

from .engines import Engine, RedisServer

Work = Callable[[], Awaitable[object]]


@coroutine
def cancelled_at(await_: int, late: bool, work: Work) -> Generator[Any, Any, bool]:
    """
    Run *work*, and cancel it at its await of that number; returns whether it got there.

    *late* cancels in the moment when the await has its result.
    """
    task = asyncio.current_task()
    assert task is not None
    steps = work().__await__()
    number, step = 0, lambda: steps.send(None)  # type: ignore[attr-defined]
    while True:
        try:
            waits_for = step()
        except StopIteration:
            return number >= await_
        number += 1
        if number == await_ and late and waits_for is not None:
            waits_for.add_done_callback(lambda _: task.cancel())
        elif number == await_:
            task.cancel()
        try:
            yield waits_for
            step = lambda: steps.send(None)  # type: ignore[attr-defined]  # noqa: E731
        except BaseException as error:
            raised = error
            step = lambda: steps.throw(raised)  # type: ignore[attr-defined]  # noqa: B023, E731


async def is_cancelled(await_: int, late: bool, work: Work) -> bool:
    """Run *work* in a task, cancelled at that await; False if it never got there."""

    async def run() -> bool:
        return await cancelled_at(await_, late, work)

    task = asyncio.ensure_future(run())
    await asyncio.wait({task})
    return task.cancelled() or task.result()


@pytest.mark.parametrize("late", [False, True], ids=["early", "late"])
async def test_a_cancellation_leaves_nothing(engine: Engine, late: bool) -> None:
    async with engine.needs() as needs:

        async def hold() -> None:
            async with engine.lock().hold("price_feed", *needs) as until_lost:
                assert until_lost is not None
                checking = asyncio.ensure_future(until_lost())
                await asyncio.sleep(0.12)
                checking.cancel()
                await asyncio.wait({checking})

        await_ = 1
        while await is_cancelled(await_, late, hold):
            async with engine.holding() as until_lost:
                assert until_lost is not None, f"not released after await {await_}"
            await_ += 1
        assert await_ > 2


async def test_a_cancelled_check_leaves_nothing(engine: Engine) -> None:
    if isinstance(engine, RedisServer):
        engine.ttl = 1.5
    for await_ in range(1, 6):
        async with engine.holding() as until_lost:
            assert until_lost is not None
            assert await is_cancelled(await_, False, until_lost)


async def test_a_cancelled_scope_of_anyio_releases(engine: Engine) -> None:
    async with engine.needs() as needs:  # closed outside of the scope
        with anyio.CancelScope() as scope:
            async with engine.lock().hold("price_feed", *needs) as first:
                assert first is not None
                scope.cancel()
                await asyncio.sleep(60)

    async with engine.holding() as second:
        assert second is not None
