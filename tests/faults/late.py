"""A server that sends no lifespan: the gate starts one, or the first request."""

from __future__ import annotations

import asyncio

from typing_extensions import override

from django_lifespan_typed._asgi.gate import ServedLoop, gate_of

from .scenario import SHUTDOWN, STARTUP
from .server import Server


class LateServer(Server):
    """Runs the steps of a scenario; messages are calls of the gate."""

    @override
    async def _begin(self) -> None:
        self.gate = gate_of(self.registry)
        self.served: ServedLoop | None = None
        self.gate.on_late_start = self._on_start

    @override
    async def _end(self) -> None:
        if self.task is None:
            await self._do(STARTUP)
        if not self.outcome.end_requests:
            await self._do(SHUTDOWN)

    def _on_start(self, loop: asyncio.AbstractEventLoop) -> bool:
        self.outcome.began = self.diary.now()
        self.outcome.received = ["lifespan.startup"]
        self.served = self.gate.start(loop)
        self.task = self.served.late_start
        assert self.task is not None
        self.task.add_done_callback(self._on_done)
        self.others.append(asyncio.ensure_future(self._watch(self.served)))
        return True

    def _on_done(self, _: object) -> None:
        self.outcome.ended = self.diary.now()
        self.settled.set()

    async def _watch(self, served: ServedLoop) -> None:
        await served.startup_over.wait()
        if served.phase == "running":
            self.outcome.ready = self.diary.now()
        self.settled.set()

    # --- Steps

    @override
    async def _do_message(self, word: str) -> None:
        if word == "lifespan.startup" and self.task is None:
            self._on_start(asyncio.get_running_loop())
        elif word == "lifespan.shutdown" and self.served is not None:
            is_up = self.served.startup_over.is_set()
            self._note_end("stopped" if is_up else "cancelled")
            self.others.append(asyncio.ensure_future(self.served.stop()))

    @override
    async def _do_break(self, _: object) -> None:
        """Nothing here could break."""

    @override
    async def _do_cancel_all(self, order: object) -> None:
        if self.task is not None:
            await super()._do_cancel_all(order)

    @override
    async def _do_request(self, _: object) -> None:
        # A request after the end would start another lifespan.
        if not self.outcome.end_requests:
            self._send_request()

    # --- After the end

    @override
    async def _request_afterwards(self) -> None:
        assert await self.gate.admit({"type": "http"}) is None
