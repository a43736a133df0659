"""LoopThread: one thread, shared by all users."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Generator
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

import pytest
from django.test import override_settings

from django_lifespan_typed._threads.loop_thread import LoopThread, call_on
from django_lifespan_typed.exceptions import LifespanError


@pytest.fixture
def thread() -> Generator[LoopThread]:
    """The loop thread of this process."""
    thread = LoopThread.acquire()
    yield thread
    thread.release()


async def loop_here() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def test_all_users_share_one_thread(thread: LoopThread) -> None:
    other = LoopThread.acquire()
    other.release()

    assert other is thread
    assert thread.is_alive
    assert thread.run(loop_here) is thread.loop


def test_the_thread_does_not_wait_for_itself(thread: LoopThread) -> None:
    async def waiting() -> object:
        return thread.run(loop_here)

    with pytest.raises(LifespanError) as caught:
        thread.run(waiting)

    assert str(caught.value) == (
        "this code already runs on the event loop of the resources, and would wait "
        "for itself\nWrite: async with Lifespan() as state:"
    )


def test_the_end_of_the_loop_does_not_leave_its_callers_waiting(
    thread: LoopThread,
) -> None:
    """Another library may stop the loop, and code may ignore its cancellation."""

    async def stop_and_stay() -> None:
        thread.loop.stop()
        while True:
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    with (
        override_settings(LIFESPAN={"CANCEL_TIMEOUT": 0.01}),
        pytest.raises(LifespanError, match="ended before this code had run on it"),
    ):
        thread.run(stop_and_stay)


def test_work_does_not_keep_the_context_of_its_caller(thread: LoopThread) -> None:
    language: ContextVar[str] = ContextVar("language", default="en")
    language.set("de")

    async def read() -> str:
        return language.get()

    assert thread.run(read) == "en"


@pytest.mark.parametrize("submitted", [False, True])
def test_work_interrupted_at_its_submission_is_begun_and_cancelled(
    thread: LoopThread,
    monkeypatch: pytest.MonkeyPatch,
    journal: list[str],
    submitted: bool,
) -> None:
    """A shutdown that never takes its first step would close nothing."""
    call = thread.loop.call_soon_threadsafe

    def interrupted(*args: Any, **options: Any) -> None:
        monkeypatch.setattr(thread.loop, "call_soon_threadsafe", call)
        if submitted:
            call(*args, **options)
        signal.raise_signal(signal.SIGINT)
        if not submitted:
            call(*args, **options)

    async def work() -> None:
        journal.append("begun")
        try:
            await asyncio.Event().wait()
        finally:
            journal.append("unwound")

    monkeypatch.setattr(thread.loop, "call_soon_threadsafe", interrupted)
    with pytest.raises(KeyboardInterrupt):
        thread.run(work)

    assert journal == ["begun", "unwound"]


def test_a_call_interrupted_before_it_has_begun_does_not_begin(
    thread: LoopThread, monkeypatch: pytest.MonkeyPatch, journal: list[str]
) -> None:
    go_on = threading.Event()
    thread.loop.call_soon_threadsafe(go_on.wait, 30)
    call = thread.loop.call_soon_threadsafe

    def interrupted(*args: Any, **options: Any) -> None:
        call(*args, **options)
        raise KeyboardInterrupt

    async def work() -> None:
        journal.append("begun")

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(thread.loop, "call_soon_threadsafe", interrupted)
        call_on(thread.loop, work)
    go_on.set()
    thread.run(loop_here)

    assert journal == []
