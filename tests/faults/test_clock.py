"""Tests of the virtual clock."""

from __future__ import annotations

from tests.runtime.probes import lifespan_threads

from .clock import LockstepWorker, virtual_time


def test_no_thread_outlives_its_loop() -> None:
    before = lifespan_threads()

    with virtual_time() as loop:

        async def leave() -> None:
            LockstepWorker("idle").submit(lambda: None)
            late = LockstepWorker("late")
            late.submit(lambda: loop.block(30))
            late.submit(lambda: loop.block(30))

        loop.run_until_complete(leave())
        left = {thread.name for thread in lifespan_threads()}
        assert left >= {"lifespan idle", "lifespan late"}

    assert lifespan_threads() == before
