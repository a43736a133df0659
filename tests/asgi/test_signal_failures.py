"""Receivers of the signals that raise, hang, or are cancelled."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django
import pytest
from asgiref.sync import SyncToAsync
from django.dispatch import Signal
from django.test import override_settings

from django_lifespan_typed import Registry
from django_lifespan_typed._asgi.signal_dispatch import send
from django_lifespan_typed.exceptions import LifespanError
from django_lifespan_typed.signals import asgi_shutdown, asgi_startup
from tests.runtime.probes import Probes, Raise, logged_errors

from .conftest import Connect
from .server import run_once

if sys.version_info < (3, 11):
    from exceptiongroup import ExceptionGroup

SIGNALS = pytest.mark.parametrize(
    ("signal", "answer"),
    [
        pytest.param(asgi_startup, "lifespan.startup.failed", id="startup"),
        pytest.param(asgi_shutdown, "lifespan.shutdown.failed", id="shutdown"),
    ],
)
KINDS = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])


def raising(error: BaseException, *, is_async: bool) -> Any:
    """A receiver that raises *error*."""

    def plain(**_: Any) -> None:
        raise error

    async def awaited(**_: Any) -> None:
        raise error

    return awaited if is_async else plain


@pytest.fixture
def let_go() -> Generator[threading.Event]:
    """Set when the test ends at the latest, so that no thread stays blocked."""
    event = threading.Event()
    yield event
    event.set()


# --- Exceptions


@SIGNALS
@KINDS
async def test_an_exception_of_a_receiver_fails_the_lifespan(
    *,
    numbered: Registry,
    connect: Connect,
    journal: list[str],
    signal: Signal,
    answer: str,
    is_async: bool,
) -> None:
    """The other receivers are called, and the resources are closed."""
    problem = OSError("of a receiver")
    connect(signal, raising(problem, is_async=is_async))
    connect(signal, lambda **_: journal.append("another receiver"))
    if signal is asgi_startup:
        connect(asgi_shutdown, lambda **_: journal.append("asgi_shutdown"))

    sent, outcome = await run_once(numbered)

    assert outcome is problem
    assert sent["type"] == answer
    assert "OSError: of a receiver" in sent["message"]
    shutdown = ["asgi_shutdown"] * (signal is asgi_startup)
    assert journal == ["+number", "another receiver", *shutdown, "-number"]


async def test_the_exceptions_of_several_receivers_are_one_group(
    registry: Registry, connect: Connect
) -> None:
    connect(asgi_startup, raising(OSError("sync"), is_async=False))
    connect(asgi_startup, raising(ValueError("async"), is_async=True))

    sent, outcome = await run_once(registry)

    assert isinstance(outcome, ExceptionGroup)
    assert [str(error) for error in outcome.exceptions] == ["sync", "async"]
    assert sent["type"] == "lifespan.startup.failed"


async def test_failures_after_a_failed_startup_are_logged(
    probes: Probes, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """The first problem is raised."""
    problem, following = OSError("of a receiver"), ValueError("of a resource")
    connect(asgi_startup, raising(problem, is_async=False))
    probes.add("it", stop=Raise(following))

    _, outcome = await run_once(probes.registry)

    assert outcome is problem
    assert following in logged_errors(caplog)


@pytest.mark.parametrize(
    "raised",
    [
        GeneratorExit(),
        pytest.param(
            asyncio.CancelledError(),
            marks=pytest.mark.skipif(
                django.VERSION >= (6, 1), reason="Django 6.1 ignores it"
            ),
        ),
    ],
    ids=type,
)
@SIGNALS
async def test_a_base_exception_of_an_async_receiver_is_a_failure(
    *,
    numbered: Registry,
    journal: list[str],
    connect: Connect,
    signal: Signal,
    answer: str,
    raised: BaseException,
) -> None:
    """It must not look like a cancelled lifespan."""
    connect(signal, raising(raised, is_async=True))

    sent, outcome = await run_once(numbered)

    assert isinstance(outcome, LifespanError)
    assert type(raised).__name__ in str(outcome)
    assert sent["type"] == answer
    assert journal == ["+number", "-number"]


# --- Time limits


@override_settings(
    LIFESPAN={"START_TIMEOUT": 0.05, "STOP_TIMEOUT": 0.05, "CANCEL_TIMEOUT": 0.05}
)
@SIGNALS
@KINDS
async def test_a_receiver_that_hangs_fails_the_lifespan(
    *,
    numbered: Registry,
    journal: list[str],
    connect: Connect,
    let_go: threading.Event,
    signal: Signal,
    answer: str,
    is_async: bool,
) -> None:
    """A sync one blocks the thread that Django's sync code shares."""

    def plain(**_: Any) -> None:
        let_go.wait()

    async def awaited(**_: Any) -> None:
        await asyncio.Event().wait()

    connect(signal, awaited if is_async else plain)

    sent, outcome = await run_once(numbered)
    let_go.set()

    assert isinstance(outcome, LifespanError)
    assert str(outcome) == (
        "the receivers of a lifespan signal took longer than 0.05 s\n"
        'Make them shorter, or raise LIFESPAN["START_TIMEOUT"] or "STOP_TIMEOUT".'
    )
    assert sent["type"] == answer
    assert journal == ["+number", "-number"]


async def test_a_shared_thread_that_has_ended_is_an_error(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end of a process, sync receivers cannot be called any more."""
    ended = ThreadPoolExecutor(max_workers=1)
    ended.shutdown()
    monkeypatch.setattr(SyncToAsync, "single_thread_executor", ended)
    connect(asgi_shutdown, lambda **_: None)

    with pytest.raises(RuntimeError, match="after shutdown"):
        await send(asgi_shutdown, timeout=5, to_the_end=True)
