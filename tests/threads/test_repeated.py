"""Sync lifespans by the thousand leave nothing; two threads never share a block."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor

import pytest

from django_lifespan_typed import Lifespan, Registry, StateKey, lifespan_resource
from django_lifespan_typed.exceptions import LifespanError

NUMBER = StateKey[int]("number")


@pytest.fixture
def numbered(registry: Registry) -> Registry:
    """A registry with one resource."""

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> AsyncGenerator[int]:
        yield 7

    return registry


@pytest.mark.slow
def test_a_thousand_lifespans_leave_no_loop_and_no_thread(numbered: Registry) -> None:
    def run() -> None:
        with Lifespan(numbered) as state:
            assert state[NUMBER] == 7

    run()
    before = kept()

    for _ in range(1000):
        run()

    assert kept() == before


def kept() -> tuple[int, int]:
    """Count the event loops in memory, and the threads."""
    gc.collect()
    # By type(), since isinstance() makes Django's lazy objects load themselves.
    loops = [
        each
        for each in gc.get_objects()
        if issubclass(type(each), asyncio.AbstractEventLoop)
    ]
    return len(loops), threading.active_count()


def test_two_threads_never_enter_one_lifespan_together(numbered: Registry) -> None:
    """The one that is refused leaves the other's resources open."""
    lifespan = Lifespan(numbered)
    together = threading.Barrier(2, timeout=30)

    def enter() -> bool:
        together.wait()
        try:
            with lifespan as state:
                together.wait()
                assert lifespan.loop is not None
                return state[NUMBER] == 7
        except LifespanError:
            together.wait()
            return False

    with ThreadPoolExecutor(2) as pool:
        for _ in range(100):
            entered = [pool.submit(enter) for _ in range(2)]
            assert sorted(each.result() for each in entered) == [False, True]
