"""Daphne, which sends no lifespan: started with its reactor, and stopped before it."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from functools import partial
from multiprocessing import parent_process
from typing import Any, Final

from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.defer import Deferred

from django_lifespan_typed._asgi.gate import Host, Record
from django_lifespan_typed._asgi.requests import is_view, wait_for
from django_lifespan_typed._settings import LifespanSettings

# The exit code of uvicorn and of others for an application that did not start.
_STARTUP_FAILED: Final = 3


def attach(host: Host) -> None:
    """
    Start *host* as soon as Daphne's reactor runs.

    Daphne imports the application after it has installed its reactor. Under another
    server, or a management command, that reactor never runs, and nothing starts.
    """
    reactor: Any = sys.modules.get("twisted.internet.reactor")
    if isinstance(reactor, AsyncioSelectorReactor) and host.on_late_start is None:
        # After a fork (Channels' live server test case) there is another reactor.
        host.on_late_start = partial(_start_with_reactor, host)
        reactor.callWhenRunning(_start, host, reactor)


def _start_with_reactor(host: Host, loop: asyncio.AbstractEventLoop) -> bool:
    reactor: Any = sys.modules.get("twisted.internet.reactor")
    if getattr(reactor, "_asyncioEventloop", None) is not loop:
        return False  # another server, in a project that has Daphne too
    _start(host, reactor)
    return True


def _start(host: Host, reactor: Any) -> None:
    loop: asyncio.AbstractEventLoop = reactor._asyncioEventloop
    record = host.start(loop)

    def stop() -> object:
        # All that comes before the shutdown begins at once: Daphne has cancelled the
        # requests, but they have not ended.
        requests = _cancel_requests(record, loop)
        deferred: Any = Deferred  # Twisted's own annotations leave gaps
        return deferred.fromFuture(loop.create_task(_stop(record, requests)))

    # From here it comes after Daphne's own trigger, which cancels the requests.
    reactor.addSystemEventTrigger("before", "shutdown", stop)
    if parent_process() is not None:
        _stop_at_sigterm(reactor)
    assert record.task is not None
    record.task.add_done_callback(lambda _: _leave_if_failed(record, reactor))


def _stop_at_sigterm(reactor: Any) -> None:
    # Channels' live server test case runs Daphne in a child without signal handlers,
    # and ends it with SIGTERM, which would close nothing.
    def on_sigterm(_number: int, _frame: object) -> None:
        reactor.callFromThread(reactor.stop)

    if (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    ):
        signal.signal(signal.SIGTERM, on_sigterm)


def _cancel_requests(
    record: Record, loop: asyncio.AbstractEventLoop
) -> set[asyncio.Task[Any]]:
    """
    Cancel what Daphne does not: Django's views, which run in tasks that Django leaves
    behind when it is cancelled, and the requests after one that is still uploaded,
    over which Daphne stumbles. For the others, it is the same cancellation.
    """
    requests = {
        task
        for task in asyncio.all_tasks(loop)
        if task in record.requests or is_view(task)
    }
    for task in requests:
        task.cancel()
    return requests


async def _stop(record: Record, requests: set[asyncio.Task[Any]]) -> None:
    await wait_for(requests, LifespanSettings.read().STOP_TIMEOUT)
    await record.stop()


def _leave_if_failed(record: Record, reactor: Any) -> None:
    if record.phase != "failed" or record.is_stopping:
        return
    if threading.current_thread() is threading.main_thread():
        raise SystemExit(_STARTUP_FAILED)  # passes through the reactor's loop
    # Under the autoreloader, which goes on watching for a change of the code.
    reactor.stop()
