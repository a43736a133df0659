"""A fake ASGI server, which sends the messages that a test wants."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, final

from typing_extensions import Self

from django_lifespan_typed import Registry
from django_lifespan_typed.handler import LifespanASGIHandler
from django_lifespan_typed.types import ASGIApplication, Message

# Seconds; only reached if something hangs.
LIMIT: Final = 30.0

STARTED: Final = {"type": "lifespan.startup.complete"}
STOPPED: Final = {"type": "lifespan.shutdown.complete"}


@final
class FakeServer:
    """
    Runs one lifespan of *app*, or of a registry, in one task, as servers do::

        async with FakeServer(handler, state={}) as server:
            await server.startup()
            await server.request("/")
            await server.shutdown()

    *state* is that of the lifespan scope; None for a server without one. Messages
    from the application are kept in ``sent`` and noted in *journal*.
    """

    def __init__(
        self,
        app: ASGIApplication | Registry,
        *,
        state: dict[str, Any] | None,
        journal: list[str] | None = None,
    ) -> None:
        self.app = LifespanASGIHandler(app) if isinstance(app, Registry) else app
        self.state = state
        self.sent: list[Message] = []
        self._journal = journal
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._outbox: asyncio.Queue[Message] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        scope: dict[str, Any] = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
        }
        if self.state is not None:
            scope["state"] = self.state
        running = self.app(scope, self._inbox.get, self._send)
        self.task: asyncio.Future[Any] = asyncio.ensure_future(running)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.wait({self.task}, timeout=LIMIT)
        assert self.task.done(), "the lifespan does not end although it was cancelled"
        if not self.task.cancelled():
            self.task.exception()

    async def _send(self, message: Message) -> None:
        self.sent.append(message)
        if self._journal is not None:
            self._journal.append(message["type"])
        self._outbox.put_nowait(message)

    def tell(self, kind: str) -> None:
        """Send a lifespan message without waiting for the answer."""
        self._inbox.put_nowait({"type": kind})

    async def reply(self) -> Message:
        """Return the next message from the application."""
        getting = asyncio.ensure_future(self._outbox.get())
        await asyncio.wait(
            {getting, self.task}, timeout=LIMIT, return_when="FIRST_COMPLETED"
        )
        if getting.done():
            return getting.result()
        getting.cancel()
        if self._outbox.empty():
            raise AssertionError(f"the application sent nothing: {self.task!r}")
        return self._outbox.get_nowait()

    async def startup(self) -> Message:
        """Send the startup; returns the answer."""
        self.tell("lifespan.startup")
        return await self.reply()

    async def shutdown(self) -> Message:
        """Send the shutdown; returns the answer."""
        self.tell("lifespan.shutdown")
        return await self.reply()

    async def outcome(self) -> BaseException | None:
        """Return the exception that the application raised, if any."""
        await asyncio.wait({self.task}, timeout=LIMIT)
        if self.task.cancelled():
            return asyncio.CancelledError()
        return self.task.exception()

    async def request(self, path: str, **options: Any) -> list[Message]:
        """Request *path* with a copy of the state; returns the answer's messages."""
        if self.state is not None:
            options.setdefault("state", self.state.copy())
        return await request(self.app, path, **options)


@asynccontextmanager
async def serving(
    app: ASGIApplication | Registry,
    state: dict[str, Any] | None,
    journal: list[str] | None = None,
) -> AsyncGenerator[FakeServer]:
    """Serve an application, or that of a registry, from its startup to its shutdown."""
    async with FakeServer(app, state=state, journal=journal) as server:
        assert await server.startup() == STARTED
        yield server
        assert await server.shutdown() == STOPPED
        assert await server.outcome() is None


async def run_once(
    registry: Registry, journal: list[str] | None = None
) -> tuple[Message, BaseException | None]:
    """Start, and shut down if that works; returns the last message and the error."""
    async with FakeServer(registry, state={}, journal=journal) as server:
        sent = await server.startup()
        if sent == STARTED:
            sent = await server.shutdown()
        return sent, await server.outcome()


async def request(
    app: ASGIApplication,
    path: str,
    *,
    method: str = "GET",
    headers: Mapping[bytes, bytes] | None = None,
    body: bytes = b"",
    state: dict[str, Any] | None = None,
    disconnected: asyncio.Event | None = None,
    aborted: bool = False,
) -> list[Message]:
    """
    Request *path* from *app*; returns the messages of the answer.

    The client leaves when *disconnected* is set, or, if *aborted*, before it has sent
    the whole body.
    """
    inbox: asyncio.Queue[Message] = asyncio.Queue()
    inbox.put_nowait({"type": "http.request", "body": body, "more_body": aborted})
    if aborted:
        inbox.put_nowait({"type": "http.disconnect"})
    left = asyncio.Event() if disconnected is None else disconnected
    sent: list[Message] = []

    async def receive() -> Message:
        if not inbox.empty():
            return inbox.get_nowait()
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await asyncio.wait_for(
        app(http_scope(path, method, headers, state), receive, send), LIMIT
    )
    return sent


def http_scope(
    path: str,
    method: str = "GET",
    headers: Mapping[bytes, bytes] | None = None,
    state: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the scope of a request, as uvicorn makes it."""
    path, _, query = path.partition("?")
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", b"testserver"), *(headers or {}).items()],
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50000),
    }
    if state is not None:
        scope["state"] = state
    return scope


def status_of(sent: list[Message]) -> int:
    """Return the status of a response."""
    status: int = sent[0]["status"]
    return status


def body_of(sent: list[Message]) -> str:
    """Return the body of a response."""
    return b"".join(message.get("body", b"") for message in sent[1:]).decode()


def json_of(sent: list[Message]) -> Any:
    """Return the value of a response in JSON."""
    return json.loads(body_of(sent))


UNAVAILABLE: Final = [
    {
        "type": "http.response.start",
        "status": 503,
        "headers": [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"retry-after", b"10"),
        ],
    },
    {
        "type": "http.response.body",
        "body": b"Service Unavailable: the application is not running.\n",
    },
]
"""The answer to a request that is refused."""
