"""Supervisor: runs a background task, again and again, as its options say."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timezone
from random import uniform
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, final

from asgiref.sync import sync_to_async

from .._log import exc_info, logger
from .._text import printable, summary
from .._threads.cancellation import is_cancelled
from .._threads.database import close_old_connections
from ..exceptions import InvalidDeclaration
from .record import TaskRecord

if TYPE_CHECKING:
    from ..locks import Lock, UntilLost
    from .lifespan_task import LifespanTask

STANDBY_INTERVAL: Final = 5.0
"""Seconds between two attempts to acquire the lock; varied by a fifth."""
STABLE_AFTER: Final = 60.0
"""Seconds after which a run counts as a success: the backoff begins anew."""


@final
class Supervisor:
    """Runs the function of *task* with the *values* of its dependencies."""

    def __init__(self, task: LifespanTask[...], values: Sequence[Any]) -> None:
        self.record = TaskRecord()
        self.crash: BaseException | None = None
        """The exception of a run after which there is no other."""
        self._task = task
        count = len(task.function_needs)
        self._values, self._lock_values = values[:count], values[count:]
        self._supervising: asyncio.Task[None] | None = None
        self._run: asyncio.Task[BaseException | None] | None = None
        self._is_stopping = False
        self._is_abandoned = False

    def start(self) -> asyncio.Task[None]:
        """Run the task until it has finished or crashed; returns the asyncio task."""
        name = f"lifespan {printable(self._task.name)} supervisor"
        self._supervising = asyncio.create_task(self._supervise(), name=name)
        return self._supervising

    async def stop(self) -> None:
        """
        Cancel the run and wait for its end; then the lock is released.

        A cancellation of this cancels the run again. Another one abandons it.
        """
        assert self._supervising is not None, "it was started"
        self._is_stopping = True
        self._supervising.cancel()
        try:
            await asyncio.wait({self._supervising})
        except asyncio.CancelledError:
            for task in filter(None, (self._run, self._supervising)):
                task.cancel()
            try:
                await asyncio.wait({self._supervising})
            except asyncio.CancelledError:
                self._is_abandoned = True
                self._supervising.cancel()
            raise
        finally:
            if self.record.phase in {"running", "waiting"}:
                self.record.phase = "standby"

    async def _supervise(self) -> None:
        try:
            if self._task.exclusive is None:
                # There is no lock to lose.
                await self._run_repeatedly(asyncio.get_running_loop().create_future())
            else:
                await self._run_exclusively(self._task.exclusive)
        except Exception as error:
            self.record.last_error = error
            self._end(error)

    async def _run_exclusively(self, lock: Lock) -> None:
        name, failure = self._task.lock_name, ""
        while True:
            try:
                async with lock.hold(name, *self._lock_values) as until_lost:
                    failure = ""
                    if until_lost is not None:
                        await self._run_while_held(until_lost)
            except InvalidDeclaration:
                raise  # a crash: to try again would not help
            except Exception as error:
                self.record.last_error = error
                # Logged once: the database may be away for hours.
                if failure != (failure := summary(error)):
                    self._log("the lock of lifespan task %r failed", error)
            # An error of the engine may have replaced the cancellation.
            if self._is_stopping or self.record.phase in {"finished", "crashed"}:
                return
            self.record.phase = "standby"
            await asyncio.sleep(_varied(STANDBY_INTERVAL))

    async def _run_while_held(self, until_lost: UntilLost) -> None:
        lost = asyncio.ensure_future(until_lost())
        lost.add_done_callback(self._on_lost)
        try:
            await self._run_repeatedly(lost)
            if self.record.phase == "finished":
                # Held on to, or another process would run it next.
                await asyncio.wait({lost})
        finally:
            lost.cancel()
            await asyncio.wait({lost})

    def _on_lost(self, lost: asyncio.Future[Any]) -> None:
        if not lost.cancelled():
            self._log("lifespan task %r has lost its lock", lost.exception())

    async def _run_repeatedly(self, lost: asyncio.Future[Any]) -> None:
        """Run the task as often as its options say, until *lost* is done."""
        record, task = self.record, self._task
        first, longest = task.backoff
        due, backoff = monotonic(), first
        while not lost.done():
            began = monotonic()
            error = await self._run_once(lost)
            await sync_to_async(close_old_connections)()
            if lost.done():
                return
            record.last_error = error or record.last_error
            if task.every is not None:
                # On time, without the runs that were missed.
                due += task.every * max((monotonic() - due) // task.every + 1, 1)
                pause = due - monotonic()
            elif task.restarts_after(error):
                if monotonic() - began >= STABLE_AFTER:
                    backoff = first
                pause, backoff = _varied(backoff), min(2 * backoff, longest)
            else:
                self._end(error)
                return
            if error is not None:
                self._log(f"lifespan task %r failed; next run in {pause:.1f} s", error)
            record.phase = "waiting"
            await asyncio.wait({lost}, timeout=pause)
            record.restarts += task.every is None and not lost.done()

    async def _run_once(self, lost: asyncio.Future[Any]) -> BaseException | None:
        """Run the task once; returns its exception. Cancels it if the lock is lost."""
        self.record.phase = "running"
        self.record.last_run = datetime.now(timezone.utc)
        name = f"lifespan {printable(self._task.name)} run"
        # A task, and so a context, for each run.
        self._run = run = asyncio.create_task(self._call(), name=name)
        try:
            await asyncio.wait({run, lost}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not run.done():
                await self._cancel(run)
        if not run.done():
            return None  # abandoned
        return asyncio.CancelledError() if run.cancelled() else run.result()

    async def _cancel(self, run: asyncio.Task[BaseException | None]) -> None:
        """Cancel *run*, and wait until it has ended or is abandoned."""
        if not is_cancelled(run):  # as all tasks are, at a Ctrl-C
            run.cancel()
        while not run.done() and not self._is_abandoned:
            with suppress(asyncio.CancelledError):
                await asyncio.wait({run})
        if run.done() and not run.cancelled() and run.result() is not None:
            self._log("lifespan task %r failed when it was cancelled", run.result())

    async def _call(self) -> BaseException | None:
        try:
            await self._task.function(*self._values)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # SystemExit would end the loop
            return error
        return None

    def _end(self, error: BaseException | None) -> None:
        self.crash = error
        self.record.phase = "crashed"
        if error is None:  # the log has the crash of the resource
            self.record.phase = "finished"
            logger.info("lifespan task %r has finished", self._task.name)

    def _log(self, text: str, error: BaseException | None) -> None:
        logger.error(
            f"{text}\n%s",
            self._task.name,
            self._task.declared_at.draw(),
            exc_info=exc_info(error),
        )


def _varied(seconds: float) -> float:
    return seconds * uniform(0.8, 1.2)
