"""Daphne, which sends no lifespan: started with its reactor, and stopped before it."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from functools import partial
from typing import Any, Final

from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.defer import Deferred

from django_lifespan_typed._host import Host, Record

logger: Final = logging.getLogger("django_lifespan_typed")

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


def _start_with_reactor(host: Host, loop: asyncio.AbstractEventLoop) -> None:
    reactor: Any = sys.modules.get("twisted.internet.reactor")
    if getattr(reactor, "_asyncioEventloop", None) is loop:
        _start(host, reactor)


def _start(host: Host, reactor: Any) -> None:
    loop: asyncio.AbstractEventLoop = reactor._asyncioEventloop
    record = host.start(loop)

    def stop() -> object:
        deferred: Any = Deferred  # Twisted's own annotations leave gaps
        return deferred.fromFuture(loop.create_task(record.stop()))

    # From here it comes after Daphne's own trigger, which ends the requests.
    reactor.addSystemEventTrigger("before", "shutdown", stop)
    assert record.task is not None
    record.task.add_done_callback(lambda _: _leave_if_failed(record, reactor))


def _leave_if_failed(record: Record, reactor: Any) -> None:
    if record.phase != "failed":
        return
    if threading.current_thread() is threading.main_thread():
        raise SystemExit(_STARTUP_FAILED)  # passes through the reactor's loop
    # Under the autoreloader, which goes on watching for a change of the code.
    reactor.stop()
