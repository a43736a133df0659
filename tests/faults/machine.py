"""Runs one scenario: a server's side of the real handler, on virtual time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import pytest
from django.test import override_settings

from django_lifespan_typed import Registry, signals
from django_lifespan_typed._running import running
from django_lifespan_typed.handler import LifespanASGIHandler
from tests.asgi.server import http_scope
from tests.core.probes import lifespan_threads

from .clock import FakeLoop, virtual_time
from .probes import Diary, Moment, Probe
from .scenario import LIMITS, Fault, Receiver, Scenario, Shape, Step

# Virtual seconds that nothing here may take.
FOR_EVER = 10_000.0


@dataclass
class Request:
    """One request, and what was there when Django began to read it."""

    index: int
    asked: Moment
    status: int | None = None
    body: bytes = b""
    admitted: Moment | None = None
    cancelled: bool = False


@dataclass
class Outcome:
    """All that was seen of one run, from outside."""

    scenario: Scenario
    probes: list[Probe]
    sent: list[dict[str, Any]] = field(default_factory=list)
    sent_at: list[Moment] = field(default_factory=list)
    open_at_sent: list[list[Probe]] = field(default_factory=list)
    """What was open when each message was sent."""
    left_open: list[Probe] = field(default_factory=list)
    """What was open when the lifespan was over."""
    state_at_complete: dict[str, Any] | None = None
    received: list[str] = field(default_factory=list)
    """The messages that the application took, and ``broken``."""
    told: dict[str, Moment] = field(default_factory=dict)
    """When it was first told to end: cancelled, shut down, broken."""
    cancellations: int = 0
    signals: list[tuple[str, Moment, dict[str, Any]]] = field(default_factory=list)
    raised_by_receivers: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    error: BaseException | None = None
    began: Moment | None = None
    ended: Moment | None = None
    tasks_left: list[str] = field(default_factory=list)
    threads_left: list[str] = field(default_factory=list)
    loops_left: int = 0
    serving_left: int = 0
    problems: list[dict[str, Any]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    @property
    def given_up(self) -> set[str]:
        """Who was not waited for: it ignores that it is cancelled, or is a thread."""
        return {
            probe.name
            for probe in self.probes
            for line in self.log
            if f"{probe.name!r} ignores that it was cancelled" in line
        } | {
            probe.name
            for probe in self.probes
            if probe.spec.shape is Shape.BLOCKING and not self._is_prompt(probe)
        }

    def _is_prompt(self, probe: Probe) -> bool:
        if self.held(probe):
            # It may be late although it is quick, where the budget was spent.
            late = any(f"failed to stop {probe.name!r}" in line for line in self.log)
            return not (late and probe.spec.stop.seconds)
        return (probe.spec.start.seconds or 0) + (probe.spec.stop.seconds or 0) < 3

    def held(self, probe: Probe) -> bool:
        """Whether the lifespan had it running, by its own account."""
        return any(f"started {probe.name!r} in" in line for line in self.log)

    @property
    def types(self) -> list[str]:
        return [message["type"] for message in self.sent]


class Server:
    """Does the steps of a scenario, one after the other."""

    def __init__(self, scenario: Scenario, loop: FakeLoop) -> None:
        self.scenario = scenario
        self.diary = Diary(loop)
        specs = scenario.specs
        optional: list[bool] = []
        for spec in specs:
            # What needs an optional one is optional: it would be refused else.
            optional.append(spec.optional or any(optional[n] for n in spec.needs))
        self.probes = [
            Probe(number, spec, self.diary, optional[number])
            for number, spec in enumerate(specs)
        ]
        self.registry = Registry()
        for probe in self.probes:
            probe.register(self.registry, self.probes)
        self.outcome = Outcome(scenario, self.probes)
        self.handler = LifespanASGIHandler(self.registry)
        self.state: dict[str, Any] = {}
        self.settled = asyncio.Event()
        self.send_breaks = False
        self.inbox: asyncio.Queue[str] = asyncio.Queue()
        self.asking: list[asyncio.Task[None]] = []

    async def run(self) -> Outcome:
        outcome = self.outcome
        outcome.began = self.diary.now()
        self.task = asyncio.ensure_future(self._serve())
        self.task.add_done_callback(lambda _: self.settled.set())
        for step in self.scenario.steps:
            await self._do(step)
        if not self.task.done() and not outcome.told:
            await self._do(("message", "lifespan.shutdown"))
        done, _ = await asyncio.wait({self.task, *self.asking}, timeout=FOR_EVER)
        assert self.task in done, "the lifespan goes on and on"
        assert done.issuperset(self.asking), "a request is never answered"
        outcome.error = (
            asyncio.CancelledError() if self.task.cancelled() else self.task.exception()
        )
        for request, task in zip(outcome.requests, self.asking, strict=True):
            request.cancelled = request.cancelled or task.cancelled()
        self._look_round()
        self.diary.release.set()
        await asyncio.sleep(FOR_EVER)  # threads cannot be cancelled
        for thread in lifespan_threads():
            thread.join(30)
        outcome.threads_left = [thread.name for thread in lifespan_threads()]
        assert not self._tasks()
        return outcome

    async def _serve(self) -> None:
        scope: dict[str, Any] = {"type": "lifespan", "asgi": {"version": "3.0"}}
        if self.scenario.has_state:
            scope["state"] = self.state
        try:
            await self.handler(scope, self._receive, self._send)
        finally:
            self.outcome.ended = self.diary.now()

    async def _receive(self) -> dict[str, Any]:
        word = await self.inbox.get()
        self.outcome.received.append(word)
        if word == "broken":
            raise OSError("receive is broken")
        return {"type": word}

    async def _send(self, message: Any) -> None:
        outcome = self.outcome
        outcome.sent.append(dict(message))
        outcome.sent_at.append(self.diary.now())
        outcome.open_at_sent.append(self._open())
        if message["type"] == "lifespan.startup.complete":
            outcome.state_at_complete = dict(self.state)
        self.settled.set()
        if self.send_breaks:
            self._told("broken")
            raise OSError("send is broken")

    # --- Steps

    async def _do(self, step: Step) -> None:
        what, how = step
        doing: Any = getattr(self, f"_do_{what.replace(' ', '_')}")
        await doing(how)

    def _told(self, word: str) -> None:
        self.outcome.told.setdefault(word, self.diary.now())

    async def _do_message(self, word: str) -> None:
        # Whatever is not the one startup ends it.
        if word != "lifespan.startup" or "lifespan.startup" in self.outcome.received:
            self._told(word)
        self.inbox.put_nowait(word)
        if not self.outcome.received:
            # A server goes on when the application has begun.
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    async def _do_break(self, _: object) -> None:
        self._told("broken")
        self.inbox.put_nowait("broken")

    async def _do_break_send(self, _: object) -> None:
        self.send_breaks = True

    async def _do_sleep(self, seconds: Any) -> None:
        await asyncio.sleep(seconds)

    async def _do_turns(self, count: Any) -> None:
        for _ in range(count):
            await asyncio.sleep(0)

    async def _do_settle(self, _: object) -> None:
        if self.outcome.received:
            await asyncio.wait_for(self.settled.wait(), FOR_EVER)

    async def _do_crash(self, number: Any) -> None:
        # The first from there on that is held.
        any(probe.crash() for probe in chain(self.probes[number:], self.probes))

    async def _do_cancel(self, _: object) -> None:
        if not self.task.done():
            self._told("cancelled")
            self.outcome.cancellations += 1
            self.task.cancel()

    async def _do_cancel_all(self, _: object) -> None:
        self._told("cancelled all")
        self.outcome.cancellations += 1
        for task in self._tasks():
            task.cancel()

    async def _do_clear_state(self, _: object) -> None:
        self.state.clear()

    async def _do_request(self, _: object) -> None:
        # A server that sends the lifespan sends no request before it.
        if self.outcome.received[:1] == ["lifespan.startup"]:
            request = Request(len(self.asking), self.diary.now())
            self.outcome.requests.append(request)
            self.asking.append(asyncio.ensure_future(self._ask(request)))

    async def _ask(self, request: Request) -> None:
        state = self.state.copy() if self.scenario.has_state else None
        never = asyncio.Event()

        async def receive() -> dict[str, Any]:
            if request.admitted is not None:
                await never.wait()
            request.admitted = self.diary.now()
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            request.status = message.get("status", request.status)
            request.body += message.get("body", b"")

        try:
            await self.handler(http_scope("/", state=state), receive, send)
        except asyncio.CancelledError:
            request.cancelled = True

    # --- Afterwards

    def _open(self) -> list[Probe]:
        return [
            probe
            for probe in self.probes
            if probe.has_cleanup and len(probe.opened) > len(probe.closed)
        ]

    def _tasks(self) -> set[asyncio.Task[Any]]:
        return asyncio.all_tasks() - {asyncio.current_task()}  # type: ignore[return-value]

    def _look_round(self) -> None:
        outcome = self.outcome
        outcome.tasks_left = [task.get_name() for task in self._tasks()]
        outcome.left_open = self._open()
        outcome.loops_left = len(running.loops())
        outcome.serving_left = len(self.handler._host.serving)


@contextmanager
def connected(server: Server) -> Generator[None]:
    """The scenario's receivers, and of each signal one that notes it first."""
    with ExitStack() as stack:
        for name in ("asgi_lifespan", "asgi_startup", "asgi_shutdown"):
            _connect(stack, name, _recorder(server, name))
        for receiver in server.scenario.receivers:
            _connect(stack, receiver.signal, _receiver(server, receiver))
        yield


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
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.INFO)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(f"{record.levelname} {record.getMessage()}")


def run(scenario: Scenario) -> Outcome:
    """What becomes of *scenario*."""
    logger = logging.getLogger("django_lifespan_typed")
    lines: list[str] = []
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        # A run that breaks a promise leaves these to no other.
        patch.setattr(running, "_lifespans", [])
        patch.setattr(running, "last_failure", None)
        patch.setattr(logger, "handlers", [_Log(lines)])
        patch.setattr(logger, "propagate", False)
        level = logger.level
        stack.callback(logger.setLevel, level)
        logger.setLevel(logging.INFO)
        stack.enter_context(
            override_settings(LIFESPAN=LIMITS, ROOT_URLCONF="tests.faults.site")
        )
        loop = stack.enter_context(virtual_time())

        async def drive() -> Outcome:
            server = Server(scenario, loop)
            with connected(server):
                return await server.run()

        outcome = loop.run_until_complete(drive())
        outcome.problems = loop.problems
    outcome.log = lines
    for probe in outcome.probes:
        # anyio ends a group one of whose children the loop cancels, at once.
        ended = f"{probe.name!r} ended while in use"
        if "cancelled all" in outcome.told and any(ended in line for line in lines):
            probe.told_to_crash = probe.told_to_crash or probe.stopping
    return outcome
