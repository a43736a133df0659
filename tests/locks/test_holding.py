"""One process at a time holds a lock, whatever the engine."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncGenerator
from contextlib import ExitStack, asynccontextmanager

import pytest

from django_lifespan_typed.locks import Lock, UntilLost

from .conftest import Child
from .engines import Engine


async def test_a_second_holder_in_the_same_process_is_refused(engine: Engine) -> None:
    lock = engine.lock()

    async with engine.holding(lock=lock) as first:
        async with engine.holding(lock=lock) as second:
            pass
        async with engine.holding() as other_object:
            pass

    assert first is not None
    assert second is None
    assert other_object is None


async def test_one_object_holds_several_names(engine: Engine) -> None:
    lock = engine.lock()

    async with engine.holding("a", lock) as a, engine.holding("b", lock) as b:
        assert a is not None
        assert b is not None


async def test_one_object_serves_several_event_loops(engine: Engine) -> None:
    lock = engine.lock()

    async def is_refused() -> bool:
        async with engine.holding(lock=lock) as until_lost:
            return until_lost is None

    async with engine.holding(lock=lock):
        refused = await asyncio.to_thread(asyncio.run, is_refused())
    refused_afterwards = await asyncio.to_thread(asyncio.run, is_refused())

    assert refused
    assert not refused_afterwards


async def test_leaving_hands_the_lock_over_at_once(engine: Engine) -> None:
    for _ in range(10):
        async with engine.holding() as until_lost:
            assert until_lost is not None


async def test_an_error_in_the_block_is_raised_and_releases(engine: Engine) -> None:
    with pytest.raises(ZeroDivisionError):
        async with engine.holding():
            raise ZeroDivisionError

    async with engine.holding() as until_lost:
        assert until_lost is not None


async def test_another_process_is_refused(engine: Engine, child: Child) -> None:
    async with engine.holding():
        with child() as process:
            await asyncio.to_thread(process.until_event, "refused")


async def test_killing_the_holder_hands_the_lock_over(
    engine: Engine, child: Child
) -> None:
    with child() as process:
        await asyncio.to_thread(process.until_event, "holds")
        async with engine.holding() as until_lost:
            assert until_lost is None

        await asyncio.to_thread(process.end, signal.SIGKILL)

    while until_lost is None:
        async with engine.holding() as until_lost:
            await asyncio.sleep(0.01)


async def test_a_user_writes_a_lock_for_another_engine() -> None:
    held: set[str] = set()

    class InMemory(Lock):
        @asynccontextmanager
        async def hold(self, name: str) -> AsyncGenerator[UntilLost | None]:
            if name in held:
                yield None
                return
            held.add(name)
            try:
                yield asyncio.Event().wait
            finally:
                held.remove(name)

    lock = InMemory()
    async with lock.hold("a") as first, lock.hold("a") as second:
        assert first is not None
        assert second is None

    assert isinstance(lock, Lock)
    assert (lock.name, lock.needs) == (None, ())
    with pytest.raises(TypeError):
        Lock()  # type: ignore[abstract]


@pytest.mark.slow
async def test_of_ten_processes_one_holds_the_lock(child: Child) -> None:
    with ExitStack() as stack:
        processes = [stack.enter_context(child()) for _ in range(10)]
        said = [each.until(r"^@(holds|refused)$") for each in processes]

    assert sorted(said) == ["holds"] + ["refused"] * 9
