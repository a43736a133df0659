"""What tells of a failure may fail itself: nothing is left open or waits for that."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from django_lifespan_typed import Lifespan, Registry, lifespan_resource
from django_lifespan_typed._runtime.current import running
from django_lifespan_typed.exceptions import ShutdownError
from django_lifespan_typed.handler import LifespanASGIHandler
from tests.asgi.server import FakeServer

from .probes import Probes, Stubborn, assert_closed

if sys.version_info < (3, 11):
    from exceptiongroup import ExceptionGroup


class Speechless(Exception):
    """As they are written by mistake."""

    def __str__(self) -> str:
        raise TypeError("no text")


class Noted(Exception):
    """Whoever raised it took a tuple for its notes."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.__notes__: Any = ("first",)


@pytest.fixture
def leave_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Removes the working directory: a deploy does, under a process that runs."""
    folder = tmp_path / "release"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder.rmdir


async def test_a_start_fails_in_a_folder_that_is_gone(
    registry: Registry, probes: Probes, leave_folder: Callable[[], None]
) -> None:
    """Where it was written cannot be told from there; all is closed."""
    probes.add("before")
    before = probes.resources["before"]

    @lifespan_resource("it", needs=(before,), registry=registry)
    async def it(_: object) -> AsyncGenerator[int]:
        leave_folder()
        raise LookupError("no route")
        yield

    with pytest.raises(LookupError, match="no route"):
        await asyncio.wait_for(Lifespan(registry).__aenter__(), 30)

    assert_closed(*probes.all())


async def test_a_stop_fails_in_a_folder_that_is_gone(
    registry: Registry, leave_folder: Callable[[], None]
) -> None:
    """As anywhere else."""

    @lifespan_resource("it", registry=registry)
    async def it() -> AsyncGenerator[int]:
        yield 1
        raise LookupError("broken pipe")

    lifespan = Lifespan(registry)
    await lifespan.__aenter__()
    leave_folder()

    with pytest.raises(LookupError, match="broken pipe"):
        await asyncio.wait_for(lifespan.__aexit__(None, None, None), 30)


async def test_what_hangs_is_given_up_in_a_folder_that_is_gone(
    registry: Registry,
    leave_folder: Callable[[], None],
    limits: Callable[..., None],
    stubborn: Stubborn,
) -> None:
    """Nobody waits for ever for a name."""
    limits(STOP_TIMEOUT=0.01, CANCEL_TIMEOUT=0.01)

    @lifespan_resource("it", registry=registry)
    async def it() -> AsyncGenerator[int]:
        yield 1
        await stubborn.go()

    lifespan = Lifespan(registry)
    await lifespan.__aenter__()
    leave_folder()

    with pytest.raises(ShutdownError):
        await asyncio.wait_for(lifespan.__aexit__(None, None, None), 30)


@pytest.mark.parametrize("when", ["start", "crash", "quiet", "stop", "hang"])
async def test_a_filter_of_the_log_that_fails_keeps_nothing_open(
    when: str,
    registry: Registry,
    probes: Probes,
    stubborn: Stubborn,
    limits: Callable[..., None],
) -> None:
    """It is called in our place, and its error is not the resource's."""
    limits(STOP_TIMEOUT=0.01, CANCEL_TIMEOUT=0.01)
    probes.add("before")
    before = probes.resources["before"]
    tasks: list[asyncio.Task[Any]] = []

    @lifespan_resource("it", needs=(before,), registry=registry)
    async def it(_: object) -> AsyncGenerator[int]:
        owners = [each for each in asyncio.all_tasks() if "lifespan" in each.get_name()]
        tasks.extend(owners)
        if when == "start":
            logger.addFilter(fails)
        yield 1
        if when == "hang":
            await stubborn.go()
        if when == "stop":
            raise LookupError

    def fails(_: logging.LogRecord) -> bool:
        raise RuntimeError("of the filter")

    logger = logging.getLogger("django_lifespan_typed")
    level = logger.level
    logger.setLevel(logging.INFO)
    lifespan = Lifespan(registry)
    try:
        with suppress(RuntimeError, LookupError, ShutdownError):
            await asyncio.wait_for(lifespan.__aenter__(), 30)
            logger.addFilter(fails)
            if when == "crash":
                (task,) = (each for each in tasks if each.get_name() == "lifespan it")
                task.cancel()
                await asyncio.wait({task})
            await asyncio.wait_for(lifespan.__aexit__(None, None, None), 30)
    finally:
        logger.removeFilter(fails)
        logger.setLevel(level)

    assert_closed(*probes.all())
    assert lifespan.loop is None
    running.last_failure = None
    stubborn.release()
    await asyncio.wait(tasks)
    told = {str(task.exception()) for task in tasks if not task.cancelled()}
    assert "of the filter" in told  # the loop says so, if nobody asks


async def test_a_filter_of_the_log_that_fails_does_not_hold_up_a_start(
    registry: Registry,
) -> None:
    """What is optional, and what needs it, is done without."""
    tasks: list[asyncio.Task[Any] | None] = []

    @lifespan_resource("it", registry=registry, optional=True)
    async def it() -> AsyncGenerator[int]:
        tasks.append(asyncio.current_task())
        raise LookupError
        yield

    @lifespan_resource("user", needs=(it,), registry=registry, optional=True)
    async def user(_: int) -> int:
        return 1

    def fails(_: logging.LogRecord) -> bool:
        raise RuntimeError("of the filter")

    logger = logging.getLogger("django_lifespan_typed")
    logger.addFilter(fails)
    lifespan = Lifespan(registry)
    try:
        state = await asyncio.wait_for(lifespan.__aenter__(), 30)
        phases = [record.phase for record in lifespan.status()]
        await asyncio.wait_for(lifespan.__aexit__(None, None, None), 30)
    finally:
        logger.removeFilter(fails)

    assert ({**state}, phases) == ({}, ["failed", "failed"])
    assert [str(task and task.exception()) for task in tasks] == ["of the filter"]


async def test_an_error_that_cannot_say_what_it_is_leaves_nothing_open(
    registry: Registry, probes: Probes
) -> None:
    """It is raised as it is."""
    probes.add("before")
    before = probes.resources["before"]

    @lifespan_resource("it", needs=(before,), registry=registry)
    async def it(_: object) -> AsyncGenerator[int]:
        raise Speechless
        yield

    with pytest.raises(Speechless):
        await Lifespan(registry).__aenter__()

    assert_closed(*probes.all())
    assert running.last_failure == "Speechless: Speechless"
    running.last_failure = None


@pytest.mark.parametrize(
    "error", [Speechless(), ExceptionGroup("several", [Speechless()])], ids=type
)
async def test_the_server_is_told_of_an_error_that_cannot_say_what_it_is(
    error: Exception, registry: Registry
) -> None:
    """First sent, then raised, as of any other."""

    @lifespan_resource("it", registry=registry)
    async def it() -> AsyncGenerator[int]:
        raise error
        yield

    async with FakeServer(LifespanASGIHandler(registry), state={}) as server:
        message = await server.startup()
        raised = await server.outcome()

    assert message["type"] == "lifespan.startup.failed"
    assert "lifespan resource 'it'" in message["message"]
    assert raised is error
    running.last_failure = None


async def test_notes_that_are_no_list_are_kept(registry: Registry) -> None:
    """Ours comes after them (PEP 678)."""

    @lifespan_resource("it", registry=registry)
    async def it() -> AsyncGenerator[int]:
        raise Noted("wrong")
        yield

    with pytest.raises(Noted) as caught:
        await Lifespan(registry).__aenter__()

    first, ours = caught.value.__notes__
    assert first == "first"
    assert ours.startswith("while starting lifespan resource 'it'\n")
    running.last_failure = None
