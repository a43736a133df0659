"""Runs one scenario with the real handler, a fake server and its receivers."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from django.core.exceptions import RequestAborted
from django.test import override_settings

from django_lifespan_typed import signals
from django_lifespan_typed._asgi import gate as gates
from django_lifespan_typed._runtime.current import running
from django_lifespan_typed._tasks import supervisor
from django_lifespan_typed._text import describe
from django_lifespan_typed._threads.at_exit import at_exit

from .clock import Deadlock, Spinning, virtual_time
from .factories import FACTORIES
from .late import LateServer
from .outcome import Outcome
from .scenario import LIMITS, Crash, Fault, Receiver, Scenario, Shape
from .server import Server


def run(scenario: Scenario) -> Outcome:
    """Run *scenario*; returns what was observed."""
    with unraisable() as found:
        outcome = _run(scenario)
    outcome.unraisable = found
    for probe in outcome.probes:
        # anyio ends a group at once if the loop cancels one of its children.
        is_anyio = probe.spec.crash is Crash.ANYIO
        is_over = outcome.is_logged(f"{probe.title!r} ended while it was in use")
        if is_anyio and is_over and "cancelled all" in outcome.end_requests:
            probe.crashed_at = probe.crashed_at or probe.stopping
    return outcome


def _run(scenario: Scenario) -> Outcome:
    logger = logging.getLogger("django_lifespan_typed")
    limits = {**LIMITS, "STOP_BUDGET": scenario.budget}
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        # A run that breaks a promise leaves nothing to the next.
        patch.setattr(running, "_lifespans", [])
        patch.setattr(running, "last_failure", None)
        patch.setattr(at_exit, "_closes", [])
        patch.setattr(gates, "_gates", {})
        patch.setattr(logger, "propagate", False)
        patch.setattr(supervisor, "uniform", lambda low, high: (low + high) / 2)
        stack.callback(logger.setLevel, logger.level)
        logger.setLevel(logging.INFO)
        stack.enter_context(
            override_settings(LIFESPAN=limits, ROOT_URLCONF="tests.faults.site")
        )
        loop = stack.enter_context(virtual_time())

        server = (LateServer if scenario.late else Server)(scenario, loop)
        patch.setattr(logger, "handlers", [_Log(server.outcome)])
        # Not in a coroutine, which a broken runtime may leave suspended.
        stack.enter_context(connected(server))
        try:
            outcome = loop.run_until_complete(server.run())
        except (Deadlock, Spinning, asyncio.TimeoutError) as error:
            raise AssertionError(repr(error)) from None
        # Django leaves its task for disconnects if the request's task is cancelled.
        outcome.problems = [
            problem
            for problem in loop.problems
            if not isinstance(problem.get("exception"), RequestAborted)
        ]
        outcome.closes_left = len(at_exit._closes)
    return outcome


# --- Receivers


@contextmanager
def connected(server: Server) -> Generator[None]:
    """Connect the receivers, and before them one that records each signal."""
    with ExitStack() as stack:
        for name in ("asgi_lifespan", "asgi_startup", "asgi_shutdown"):
            _connect(stack, name, _recorder(server, name))
        for receiver in server.scenario.receivers:
            _connect(stack, receiver.signal, _receiver(server, receiver))
        for probe in server.probes:
            if probe.spec.shape is Shape.RECEIVED:
                manager = FACTORIES[probe.spec.shape](probe)
                _connect(stack, "asgi_lifespan", _returning(manager))
        yield


def _returning(manager: Any) -> Callable[..., Any]:
    return lambda **_: manager


def _connect(stack: ExitStack, name: str, receiver: Any) -> None:
    signal: Any = getattr(signals, name)
    signal.connect(receiver, weak=False)
    stack.callback(signal.disconnect, receiver)


def _recorder(server: Server, name: str) -> Callable[..., None]:
    def record(**given: Any) -> None:
        assert given["scope"]["type"] == "lifespan"
        server.outcome.signals.append((name, server.diary.now(), dict(given["state"])))

    return record


def _receiver(server: Server, receiver: Receiver) -> Callable[..., Any]:
    label = f"receiver of {receiver.signal}"
    failed = server.outcome.raised_by_receivers

    def blocking(**_: Any) -> None:
        try:
            server.diary.act_blocking(receiver.act, label)
        except BaseException:
            failed.append(receiver.signal)
            raise

    async def plain(**_: Any) -> None:
        try:
            await server.diary.act(receiver.act, label)
        except BaseException:
            failed.append(receiver.signal)
            raise
        if receiver.act.fault is Fault.SWALLOW:
            failed.append(receiver.signal)  # it took too long

    return blocking if receiver.blocking else plain


# --- Logs and lost exceptions


class _Log(logging.Handler):
    def __init__(self, outcome: Outcome) -> None:
        super().__init__(logging.INFO)
        self._outcome = outcome

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        self._outcome.log.append(f"{record.levelname} {message}")
        if record.exc_info and (error := record.exc_info[1]) is not None:
            self._outcome.errors_in_log[message] = describe(error)


@contextmanager
def unraisable() -> Generator[list[str]]:
    """Collect exceptions that nobody can catch, including those of garbage."""
    found: list[str] = []

    def note(given: object) -> None:
        # Django leaves the first if a request is cancelled while its body is read,
        # anyio the second if a child is cancelled before its first step.
        if not any(name in str(given) for name in ("SpooledTemporaryFile", "._child")):
            found.append(str(given))

    was_enabled = gc.isenabled()
    # All objects of the run then stay in one generation, which is quick to collect.
    gc.disable()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "unraisablehook", note)
        patch.setattr(threading, "excepthook", note)
        try:
            yield found
            gc.collect(0)
        finally:
            if was_enabled:
                gc.enable()
