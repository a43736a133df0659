"""The messages of the ASGI lifespan, from either side."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Final, TypeAlias, final

from .._log import logger
from .._settings import LifespanSettings, finite
from .._text import error_text, notes_of
from .._threads.cancellation import shielded
from ..exceptions import LifespanError, ProtocolError
from ..types import ASGIApplication, Message, Receive, Scope, Send, State

OpenLifespan: TypeAlias = Callable[[Scope], AbstractAsyncContextManager[object]]


_SPEC: Final = "the ASGI specification, 'Lifespan Protocol'"


async def answer_lifespan(
    open_lifespan: OpenLifespan, scope: Scope, receive: Receive, send: Send
) -> None:
    """
    The application's side: hold *open_lifespan* open from startup to shutdown.

    A failure is first sent, then raised: some servers look at the message only,
    others at the exception. Cancelled, it closes and raises. Raises
    ``ProtocolError``, after closing, for a message that has no place there.
    """
    first = (await receive())["type"]
    if first == "lifespan.shutdown":
        # Nothing has started, so nothing is to stop; a few servers do this.
        await send({"type": "lifespan.shutdown.complete"})
        return
    _expect("lifespan.startup", first)
    reached = "startup"
    try:
        async with open_lifespan(scope):
            reached = "running"
            await send({"type": "lifespan.startup.complete"})
            _expect("lifespan.shutdown", (await receive())["type"])
            reached = "shutdown"
    except Exception as error:
        if reached != "running":
            message = describe(error)
            await send({"type": f"lifespan.{reached}.failed", "message": message})
        raise
    await send({"type": "lifespan.shutdown.complete"})


def describe(error: BaseException) -> str:
    """What failed and where it was written, then the traceback."""
    shown = "".join(traceback.format_exception(error)).rstrip()
    return "\n".join([*_notes(error), shown])


def _notes(error: BaseException) -> list[str]:
    notes = notes_of(getattr(error, "__notes__", None))
    # The traceback has fifteen of a group, and leaves the others out.
    parts: tuple[BaseException, ...] = getattr(error, "exceptions", ())
    return [
        *notes,
        *(line for part in parts for line in _notes(part) or [error_text(part)]),
    ]


def _expect(expected: str, received: object) -> None:
    if received == expected:
        return
    known = received in {"lifespan.startup", "lifespan.shutdown"}
    problem = f"{received!r} a second time" if known else f"unknown {received!r}"
    raise ProtocolError(
        f"the server sent {problem} where {expected!r} was due ({_SPEC})\n"
        "Report it to the server, or to the middleware between it and Django."
    )


@asynccontextmanager
async def run_asgi_lifespan(
    app: ASGIApplication, /, *, state: State | None = None
) -> AsyncGenerator[State]:
    """
    The server's side: run the lifespan of another ASGI application, for the
    applications that are mounted inside this one::

        @lifespan_resource("mcp")
        def mcp() -> AbstractAsyncContextManager[State]:
            return run_asgi_lifespan(mcp_app)

    Yields the state that *app* filled: pass a copy of it as ``scope["state"]`` to
    each of its requests (ASGI specification, "Lifespan State"). *state* is what it
    starts with.

    Raises ``LifespanError`` with the application's own message where it does not
    start or stop, or ends by itself meanwhile.
    """
    peer = _Peer(app, {} if state is None else state)
    await peer.startup()
    try:
        yield peer.state
    except BaseException:
        with suppress(Exception):
            await peer.shutdown()
        if peer.crash is not None:
            raise peer.crash from peer.crash.__cause__
        raise
    await peer.shutdown()


@final
class _Peer:
    """An application in a task of its own, and the messages to and from it."""

    def __init__(self, app: ASGIApplication, state: State) -> None:
        self.state = state
        self.crash: LifespanError | None = None
        """Set where the application ended while it was in use."""
        self._name = getattr(app, "__qualname__", type(app).__qualname__)
        self._app = app
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._outbox: asyncio.Queue[Message] = asyncio.Queue()
        self._receivers = 0
        self._asked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._cause: BaseException | None = None
        self._user = asyncio.current_task()
        self._in_use = False

    async def startup(self) -> None:
        scope: Scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        self._task = asyncio.ensure_future(self._serve(scope))
        self._task.add_done_callback(self._on_end)
        try:
            await self._exchange("startup")
        except BaseException:
            await self._cancel()
            raise
        if self._task.done():
            raise self._error("startup", {})
        self._in_use = True

    async def shutdown(self) -> None:
        self._in_use = False
        self._take_back()
        if self._task is None or self._task.done():
            # Cancelled, it did not crash: the loop ends, and everything on it.
            if self.crash is not None and self._task and not self._task.cancelled():
                raise self.crash
            return
        try:
            await self._exchange("shutdown")
            await self._until_closed(self._task)
            if not self._task.done():
                await self._cancel()
        except BaseException:
            await self._cancel()
            raise
        if self._cause is not None:
            raise self._error("shutdown", {})

    async def _serve(self, scope: Scope) -> None:
        try:
            await self._app(scope, self._receive, self._outbox.put)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # some would end the loop
            self._cause = error

    async def _until_closed(self, task: asyncio.Task[None]) -> None:
        # Its message is the end of it (ASGI specification). It may close for a while
        # yet, but has not for ever, and less where it waits for another message.
        settings = LifespanSettings.read()
        asking = asyncio.ensure_future(self._asked.wait())
        try:
            await asyncio.wait(
                {asking, task},
                timeout=finite(settings.STOP_TIMEOUT),
                return_when="FIRST_COMPLETED",
            )
            if asking.done():
                await asyncio.wait({task}, timeout=finite(settings.CANCEL_TIMEOUT))
        finally:
            asking.cancel()
        if not (task.done() or asking.done()):
            logger.warning("%s is down and goes on; it is cancelled", self._name)

    async def _receive(self) -> Message:
        self._receivers += 1
        self._asked.set()
        try:
            return await self._inbox.get()
        finally:
            self._receivers -= 1
            if not self._receivers:
                self._asked.clear()

    async def _exchange(self, event: str) -> None:
        assert self._task is not None
        await self._inbox.put({"type": f"lifespan.{event}"})
        reply = asyncio.ensure_future(self._outbox.get())
        try:
            await asyncio.wait({reply, self._task}, return_when="FIRST_COMPLETED")
        finally:
            got: Message = reply.result() if reply.done() else {}
            reply.cancel()
        if got.get("type") == f"lifespan.{event}.complete":
            return
        raise self._error(event, got)

    def _error(self, event: str, got: Message) -> LifespanError:
        cause = self._cause
        own = got.get("message")
        why = own or (cause and error_text(cause, repr)) or "it ended"
        # What says why it fails knows scopes of this type.
        advice = "" if own else "\nIt must answer scopes of type 'lifespan'."
        error = LifespanError(
            f"the ASGI application {self._name} failed at lifespan.{event}: {why}"
            f"{advice}"
        )
        error.__cause__ = cause
        return error

    def _on_end(self, _task: asyncio.Task[None]) -> None:
        if self._in_use and self._user is not None:
            self.crash = self._error("serving", {})
            # As a task group does: interrupt whoever relies on it.
            self._user.cancel()

    def _take_back(self) -> None:
        # Else the user stays cancelled for the time limits and task groups to come.
        uncancel = getattr(self._user, "uncancel", None)  # Python 3.11
        if self.crash is not None and uncancel is not None:
            uncancel()

    async def _cancel(self) -> None:
        assert self._task is not None
        self._task.cancel()
        limit = finite(LifespanSettings.read().CANCEL_TIMEOUT)
        with shielded():
            await asyncio.wait({self._task}, timeout=limit)
        if not self._task.done():
            logger.error("%s ignores that it was cancelled; it is left", self._name)
