"""Runs one scenario: the real handler, its server and its receivers."""

from __future__ import annotations

import gc
import logging
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from django.test import override_settings

from django_lifespan_typed import signals
from django_lifespan_typed._runtime.current import running
from django_lifespan_typed._text import describe
from django_lifespan_typed._threads.at_exit import at_exit

from .clock import Deadlock, Spinning, virtual_time
from .factories import FACTORIES
from .late import LateServer
from .outcome import Outcome
from .scenario import LIMITS, Crash, Fault, Receiver, Scenario, Shape
from .server import Server


@contextmanager
def connected(server: Server) -> Generator[None]:
    """The scenario's receivers, and of each signal one that notes it first."""
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
    whose = f"receiver of {receiver.signal}"

    def fails() -> None:
        server.outcome.raised_by_receivers.append(receiver.signal)

    def blocking(**_: Any) -> None:
        try:
            server.diary.act_blocking(receiver.act, whose)
        except BaseException:
            fails()
            raise

    async def plain(**_: Any) -> None:
        try:
            await server.diary.act(receiver.act, whose)
        except BaseException:
            fails()
            raise
        if receiver.act.fault is Fault.SWALLOW:
            fails()  # it took too long

    return blocking if receiver.blocking else plain


class _Log(logging.Handler):
    def __init__(self, outcome: Outcome) -> None:
        super().__init__(logging.INFO)
        self._outcome = outcome

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        self._outcome.log.append(f"{record.levelname} {message}")
        if record.exc_info and (error := record.exc_info[1]) is not None:
            self._outcome.raised_to_log[message] = describe(error)


@contextmanager
def unraisable() -> Generator[list[str]]:
    """What is raised where nobody can catch it, to the end of all that is made here."""
    found: list[str] = []

    def note(given: object) -> None:
        # Django leaves the one to whoever cancels a request whose body it reads, anyio
        # the other to whoever cancels a child before its first step.
        if not any(name in str(given) for name in ("SpooledTemporaryFile", "._child")):
            found.append(str(given))

    was_enabled = gc.isenabled()
    # One generation then has all that is made here: to collect it is quick.
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


def run(scenario: Scenario) -> Outcome:
    """What becomes of *scenario*."""
    with unraisable() as found:
        outcome = _run(scenario)
    outcome.unraisable = found
    for probe in outcome.probes:
        # anyio ends a group one of whose children the loop cancels, at once.
        ended = f"{probe.title!r} ended while it was in use"
        is_anyio = probe.spec.crash is Crash.ANYIO and "cancelled all" in outcome.told
        if is_anyio and any(ended in line for line in outcome.log):
            probe.told_to_crash = probe.told_to_crash or probe.stopping
    return outcome


def _run(scenario: Scenario) -> Outcome:
    logger = logging.getLogger("django_lifespan_typed")
    limits = {**LIMITS, "STOP_BUDGET": scenario.budget}
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        # A run that breaks a promise leaves these to no other.
        patch.setattr(running, "_lifespans", [])
        patch.setattr(running, "last_failure", None)
        patch.setattr(at_exit, "_closes", [])
        patch.setattr(logger, "propagate", False)
        level = logger.level
        stack.callback(logger.setLevel, level)
        logger.setLevel(logging.INFO)
        stack.enter_context(
            override_settings(LIFESPAN=limits, ROOT_URLCONF="tests.faults.site")
        )
        loop = stack.enter_context(virtual_time())

        server = (LateServer if scenario.late else Server)(scenario, loop)
        patch.setattr(logger, "handlers", [_Log(server.outcome)])
        # Not in a coroutine: a broken runtime may leave that where it is.
        stack.enter_context(connected(server))
        try:
            outcome = loop.run_until_complete(server.run())
        except (Deadlock, Spinning) as error:
            raise AssertionError(repr(error)) from None
        outcome.problems = loop.problems
        outcome.closes_left = len(at_exit._closes)
    return outcome
