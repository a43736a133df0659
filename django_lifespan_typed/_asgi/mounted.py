"""run_asgi_lifespan: runs the lifespan of another ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import final

from .._log import logger
from .._settings import LifespanSettings, finite
from .._text import error_text
from .._threads.cancellation import shielded, uncancel
from ..exceptions import LifespanError
from ..types import ASGIApplication, Message, Scope, State


@asynccontextmanager
async def run_asgi_lifespan(
    app: ASGIApplication, /, *, state: State | None = None
) -> AsyncGenerator[State]:
    """
    Run the lifespan of another ASGI application, as its server would::

        @lifespan_resource("mcp")
        def mcp() -> AbstractAsyncContextManager[State]:
            return run_asgi_lifespan(mcp_app)

    Yields the state that *app* filled: pass a copy of it as ``scope["state"]`` to each
    of its requests (ASGI specification, "Lifespan State").

    :param state: the values on the state before the startup.

    Raises ``LifespanError`` with the application's own message if it fails to start or
    stop, or ends while it is in use.
    """
    mounted = MountedApplication(app, {} if state is None else state)
    await mounted.start()
    try:
        yield mounted.state
    except BaseException:
        with suppress(Exception):
            await mounted.stop()
        if mounted.crash is not None:
            raise mounted.crash from mounted.crash.__cause__
        raise
    await mounted.stop()


@final
class MountedApplication:
    """An ASGI application in a task of its own, and the messages to and from it."""

    def __init__(self, app: ASGIApplication, state: State) -> None:
        self.state = state
        self.crash: LifespanError | None = None
        """Set if the application ended while it was in use."""
        self._app = app
        self._name = getattr(app, "__qualname__", type(app).__qualname__)
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self._error: BaseException | None = None
        self._user = asyncio.current_task()
        self._is_in_use = False
        self._has_ended = False
        self._task = asyncio.ensure_future(self._serve())
        self._task.add_done_callback(self._on_end)

    async def start(self) -> None:
        """Start the application; raises ``LifespanError`` if it does not start."""
        await self._exchange("startup")
        if self._task.done():
            raise self._failure("startup", {})
        self._is_in_use = True

    async def stop(self) -> None:
        """Stop the application; raises ``LifespanError`` if that fails."""
        self._is_in_use = False
        self._uncancel_user()
        if self._task.done():
            # A cancelled application has not crashed: the loop cancels all tasks.
            if self.crash is not None and not self._task.cancelled():
                raise self.crash
            return
        await self._exchange("shutdown")
        # Its answer is its last message (ASGI specification), but maybe not its last
        # step: middleware closes its own resources afterwards. Servers wait no longer
        # either, and the time limit of the shutdown is for what comes before.
        try:
            await asyncio.wait({self._task}, timeout=_cancel_timeout())
        finally:
            if not self._task.done():
                logger.warning(
                    "%s did not end after its shutdown; cancelling it", self._name
                )
                await self._cancel()
        if self._error is not None:
            raise self._failure("shutdown", {})

    async def _serve(self) -> None:
        scope: Scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        try:
            await self._app(scope, self._receive, self._send)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # SystemExit would end the loop
            self._error = error

    async def _receive(self) -> Message:
        if self._has_ended:
            self._task.cancel()  # no message follows the shutdown
        return await self._to_app.get()

    async def _send(self, message: Message) -> None:
        self._has_ended = message.get("type") == "lifespan.shutdown.complete"
        await self._from_app.put(message)

    async def _exchange(self, event: str) -> None:
        """Send one event and await the answer; cancels the application on failure."""
        await self._to_app.put({"type": f"lifespan.{event}"})
        answering = asyncio.ensure_future(self._from_app.get())
        try:
            await asyncio.wait({answering, self._task}, return_when="FIRST_COMPLETED")
            answer: Message = answering.result() if answering.done() else {}
            # A cancelled application has not failed: the loop cancels all tasks.
            if event == "shutdown" and not answer and self._task.cancelled():
                return
            if answer.get("type") != f"lifespan.{event}.complete":
                raise self._failure(event, answer)
        except BaseException:
            await self._cancel()
            raise
        finally:
            answering.cancel()

    def _failure(self, event: str, answer: Message) -> LifespanError:
        message, error = answer.get("message"), self._error
        why = message or ("it ended" if error is None else error_text(error, repr))
        # An application that sends a message knows the lifespan protocol.
        advice = "" if message else "\nIt must answer scopes of type 'lifespan'."
        failure = LifespanError(
            f"the ASGI application {self._name} failed at lifespan.{event}: "
            f"{why}{advice}"
        )
        failure.__cause__ = error
        return failure

    def _on_end(self, _task: asyncio.Task[None]) -> None:
        if self._is_in_use and self._user is not None:
            self.crash = self._failure("serving", {})
            # As a task group does: interrupt the block that relies on it.
            self._user.cancel()

    def _uncancel_user(self) -> None:
        # Or time limits and task groups around the block would see a cancellation.
        if self.crash is not None and self._user is not None:
            uncancel(self._user)

    async def _cancel(self) -> None:
        self._task.cancel()
        with shielded():
            await asyncio.wait({self._task}, timeout=_cancel_timeout())
        if not self._task.done():
            logger.error(
                "%s did not finish after cancellation and was abandoned", self._name
            )


def _cancel_timeout() -> float | None:
    return finite(LifespanSettings.read().CANCEL_TIMEOUT)
