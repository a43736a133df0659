"""A fake server of the real handler, on virtual time."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import chain
from typing import Any

from django_lifespan_typed import Lifespan, Registry
from django_lifespan_typed._asgi.gate import gate_of
from django_lifespan_typed._runtime.current import running
from django_lifespan_typed.exceptions import LifespanNotRunning
from django_lifespan_typed.handler import LifespanASGIHandler
from tests.asgi.server import http_scope

from .clock import FakeLoop
from .factories import register
from .jobs import JobProbe
from .outcome import Outcome, Poll, Request
from .probes import MARK, Diary, Probe
from .scenario import SHUTDOWN, Scenario, Step

# Virtual seconds that nothing here may take.
FOREVER = 10_000.0


class Server:
    """Runs the steps of a scenario, one after the other."""

    def __init__(self, scenario: Scenario, loop: FakeLoop) -> None:
        self.scenario = scenario
        self.loop = loop
        self.diary = Diary(loop)
        optional: list[bool] = []
        for spec in scenario.specs:
            # A dependent of an optional resource has to be optional.
            optional.append(spec.optional or any(optional[n] for n in spec.needs))
        self.probes = [
            Probe(number, spec, self.diary, optional[number])
            for number, spec in enumerate(scenario.specs)
        ]
        self.registry = Registry()
        for probe in self.probes:
            register(probe, self.registry, self.probes)
        self.jobs = [
            JobProbe(number, job, self.probes, self.diary)
            for number, job in enumerate(scenario.jobs)
        ]
        for job in self.jobs:
            job.register(self.registry)
        self.outcome = Outcome(scenario, self.probes, self.jobs)
        self.handler = LifespanASGIHandler(self.registry)
        self.state: dict[str, Any] = {}
        self.settled = asyncio.Event()
        self.send_breaks = False
        self.inbox: asyncio.Queue[str] = asyncio.Queue()
        self.task: asyncio.Task[None] | None = None
        self.requests: list[asyncio.Task[None]] = []
        self.others: list[asyncio.Task[None]] = []

    async def run(self) -> Outcome:
        outcome = self.outcome
        await self._begin()
        for step in self.scenario.steps:
            await self._do(step)
        await self._end()
        assert self.task is not None
        waiting = [self.task, *self.requests, *self.others]
        done, _ = await asyncio.wait(waiting, timeout=FOREVER)
        assert self.task in done, "the lifespan does not end"
        assert done.issuperset(self.requests), "a request is never answered"
        assert done.issuperset(self.others), "a health check, or a stop, does not end"
        outcome.error = (
            asyncio.CancelledError() if self.task.cancelled() else self.task.exception()
        )
        for request, task in zip(outcome.requests, self.requests, strict=True):
            request.cancelled = request.cancelled or task.cancelled()
        for other in self.others:
            assert other.cancelled() or other.exception() is None
        self._note_leftovers()
        await self._request_afterwards()
        self.diary.release.set()
        await asyncio.sleep(FOREVER)  # threads cannot be cancelled
        outcome.threads_left = self.loop.join_threads()
        assert not self._tasks()
        return outcome

    async def _begin(self) -> None:
        self.task = asyncio.ensure_future(self._serve())
        self.task.add_done_callback(lambda _: self.settled.set())

    async def _end(self) -> None:
        is_running = self.task is not None and not self.task.done()
        if is_running and not self.outcome.end_requests:
            await self._do(SHUTDOWN)

    async def _serve(self) -> None:
        scope: dict[str, Any] = {"type": "lifespan", "odd": None}
        if self.scenario.has_state:
            scope["state"] = self.state
        try:
            await self.handler(scope, self._receive, self._send)
        finally:
            self.outcome.ended = self.diary.now()

    async def _receive(self) -> dict[str, Any]:
        word = await self.inbox.get()
        if not self.outcome.received:
            self.outcome.began = self.diary.now()
        self.outcome.received.append(word)
        if word == "broken":
            raise OSError("receive is broken")
        return {"type": word, "message": None, "state": 1}

    async def _send(self, message: Any) -> None:
        outcome = self.outcome
        outcome.sent.append(dict(message))
        outcome.sent_at.append(self.diary.now())
        outcome.open_at_sent.append(self._open())
        if message["type"] == "lifespan.startup.complete":
            outcome.state_at_complete = dict(self.state)
            outcome.ready = outcome.sent_at[-1]
        self.settled.set()
        if self.send_breaks:
            self._note_end("broken")
            raise OSError("send is broken")

    # --- Steps

    async def _do(self, step: Step) -> None:
        what, how = step
        doing: Any = getattr(self, f"_do_{what.replace(' ', '_')}")
        await doing(how)

    def _note_end(self, word: str) -> None:
        self.outcome.end_requests.setdefault(word, self.diary.now())

    async def _do_message(self, word: str) -> None:
        # Any message but the first startup ends the lifespan.
        if word != "lifespan.startup" or "lifespan.startup" in self.outcome.received:
            self._note_end(word)
        self.inbox.put_nowait(word)
        if not self.outcome.received:
            # A server continues once the application has begun.
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    async def _do_break(self, _: object) -> None:
        self._note_end("broken")
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
            await asyncio.wait_for(self.settled.wait(), FOREVER)

    async def _do_crash(self, number: Any) -> None:
        # The first running resource from that number on.
        any(probe.crash() for probe in chain(self.probes[number:], self.probes))

    async def _do_lose(self, number: Any) -> None:
        # The first task from that number on that holds its lock.
        any(job.lose() for job in chain(self.jobs[number:], self.jobs))

    async def _do_cancel(self, _: object) -> None:
        if self.task is not None and not self.task.done():
            self._note_end("cancelled")
            self.outcome.cancellations += 1
            self.task.cancel()

    async def _do_cancel_all(self, order: object) -> None:
        self._note_end("cancelled all")
        self.outcome.cancellations += 1
        tasks = self._tasks()
        for task in tasks[::-1] if order == "latest first" else tasks:
            task.cancel()

    async def _do_clear_state(self, _: object) -> None:
        self.state.clear()

    async def _do_request(self, _: object) -> None:
        # A server that sends the lifespan sends no request before it.
        if self.outcome.received[:1] == ["lifespan.startup"]:
            self._send_request()

    def _send_request(self) -> None:
        request = Request(self.diary.now())
        self.outcome.requests.append(request)
        self.requests.append(asyncio.ensure_future(self._request(request)))

    async def _do_health(self, _: object) -> None:
        lifespan = running.on(asyncio.get_running_loop())
        if lifespan is not None:
            poll = Poll(self.diary.now())
            self.outcome.polls.append(poll)
            self.others.append(asyncio.ensure_future(self._poll(poll, lifespan)))

    async def _poll(self, poll: Poll, lifespan: Lifespan) -> None:
        MARK.set("health")
        with suppress(LifespanNotRunning, asyncio.CancelledError):
            poll.records = await lifespan.health()
        poll.answered = self.diary.now()
        # A resource that crashes during the shutdown still waits for its turn.
        ends = [moment.at for moment in self.outcome.end_requests.values()]
        before = min([poll.answered.at, *ends])
        for probe in self.probes:
            if probe.crashed_at and probe.crashed_at.at < before:
                poll.dead.add(probe.name)

    async def _request(self, request: Request) -> None:
        MARK.set("request")
        has_state = self.scenario.has_state and not self.scenario.late
        state = self.state.copy() if has_state else None
        gone = asyncio.Event()

        async def receive() -> dict[str, Any]:
            if request.admitted is not None:
                await gone.wait()
                return {"type": "http.disconnect"}
            request.admitted = self.diary.now()
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            request.status = message.get("status", request.status)
            request.body += message.get("body", b"")

        try:
            await self.handler(http_scope("/", state=state), receive, send)
            # One that the shutdown has cancelled returns without an answer.
            request.cancelled = request.status is None and bool(
                self.outcome.end_requests
            )
        except asyncio.CancelledError:
            request.cancelled = True
        finally:
            request.ended = self.diary.now()
            gone.set()

    # --- After the end

    async def _request_afterwards(self) -> None:
        if self.outcome.received[:1] == ["lifespan.startup"]:
            request = Request(self.diary.now())
            await self._request(request)
            self.outcome.status_afterwards = request.status

    def _open(self) -> list[Probe]:
        return [
            probe
            for probe in self.probes
            if probe.has_cleanup and len(probe.opened) > len(probe.closed)
        ]

    def _tasks(self) -> list[asyncio.Task[Any]]:
        current = asyncio.current_task()
        return [task for task in self.loop.tasks() if task is not current]

    def _note_leftovers(self) -> None:
        outcome = self.outcome
        outcome.tasks_left = [task.get_name() for task in self._tasks()]
        outcome.left_open = self._open()
        outcome.jobs_left = [job.name for job in self.jobs if job.is_open]
        outcome.loops_left = len(running.loops())
        outcome.serving_left = len(gate_of(self.registry).admissions)
