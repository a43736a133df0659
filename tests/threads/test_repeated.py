"""Sync lifespans by the thousand leave nothing; two threads never share a block."""

from __future__ import annotations

import asyncio
import gc
import threading
import unittest
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.management import call_command
from django.test import SimpleTestCase

from django_lifespan_typed import Lifespan, Registry, StateKey, lifespan_resource
from django_lifespan_typed.commands import LifespanCommand
from django_lifespan_typed.exceptions import LifespanError
from django_lifespan_typed.testing import LifespanTestCase

NUMBER = StateKey[int]("number")


@pytest.fixture
def numbered(registry: Registry) -> Registry:
    """A registry with one resource."""

    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> AsyncGenerator[int]:
        yield 7

    return registry


def in_blocks(registry: Registry) -> Callable[[], object]:
    def run() -> None:
        with Lifespan(registry) as state:
            assert state[NUMBER] == 7

    return run


def in_test_cases(registry: Registry) -> Callable[[], object]:
    given = registry

    class Case(LifespanTestCase, SimpleTestCase):
        registry = given

        def test_it(self) -> None:
            assert self.state[NUMBER] == 7

    def run() -> None:
        result = unittest.TestResult()
        Case("test_it").run(result)
        assert result.wasSuccessful(), result.errors

    return run


def in_commands(registry: Registry) -> Callable[[], object]:
    given = registry

    class Command(LifespanCommand):
        registry = given
        requires_system_checks: Any = []

        def handle(self, *args: Any, **options: Any) -> None:
            assert self.state[NUMBER] == 7

    return lambda: call_command(Command())


@pytest.mark.slow
@pytest.mark.parametrize("kind", [in_blocks, in_test_cases, in_commands])
def test_a_thousand_lifespans_leave_no_loop_and_no_thread(
    kind: Callable[[Registry], Callable[[], object]], numbered: Registry
) -> None:
    run = kind(numbered)
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
