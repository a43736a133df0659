"""The WSGI application of a project, with a lifespan."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from typing import Any

import django
from django.core.handlers.wsgi import WSGIHandler, get_path_info
from django.http import HttpResponse
from django.http.response import HttpResponseBase

from ._asgi.gate import ServedLoop, gate_of
from ._asgi.refusals import (
    CONTENT_TYPE,
    RETRY_AFTER,
    is_liveness_probe,
    refusal_text,
)
from ._compat import override
from ._declare.registry import Registry, registry_or_default
from ._runtime.current import running
from ._threads.asgiref import use_loop
from ._threads.at_exit import at_exit
from ._threads.green_threads import refuse_green_threads
from ._threads.loop_thread import LoopThread
from ._threads.sigterm import exit_at_sigterm, warn_if_sigterm_kills

__all__ = ["LifespanWSGIHandler", "get_wsgi_application"]


def get_wsgi_application(registry: Registry | None = None) -> LifespanWSGIHandler:
    """
    Return Django's WSGI application, with a lifespan::

        application = get_wsgi_application()

    :param registry: the ``Registry`` to start; None for the default one.
    """
    django.setup(set_prefix=False)
    return LifespanWSGIHandler(registry)


class LifespanWSGIHandler(WSGIHandler):
    """
    Django's own WSGI handler, beside a thread with an event loop for the resources.

    They start with the first request of a process, so after any fork, and shut down at
    the end of the process. Async views and ``async_to_sync`` run on the same loop.
    Requests are refused with 503 if the startup failed; it is tried again after
    ``LIFESPAN["RETRY_INTERVAL"]`` seconds.

    Where no other code handles SIGTERM, it ends the process as ``sys.exit()`` does, so
    that the resources shut down.

    :param registry: the ``Registry`` to start; None for the default one.
    """

    def __init__(self, registry: Registry | None = None) -> None:
        super().__init__()
        refuse_green_threads()
        exit_at_sigterm()
        self._gate = gate_of(registry_or_default(registry))
        self._thread: LoopThread | None = None
        self._served: ServedLoop | None = None
        self._lock = threading.Lock()
        self._pid = os.getpid()

    @property
    def registry(self) -> Registry:
        """The registry whose resources the lifespan starts."""
        return self._gate.registry

    @override
    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> HttpResponseBase:
        """Serve one request."""
        served = self._served
        if self._thread is None or not self._thread.is_alive or not _is_up(served):
            served = self._start()
        serve: Callable[..., HttpResponseBase] = super().__call__
        if served is not None and _is_up(served):
            use_loop(served.loop)
            # Other threads may run lifespans on that loop, too.
            running.enter(served.lifespan)
        elif not is_liveness_probe(get_path_info(environ)):
            return _refuse(start_response)
        return serve(environ, start_response)

    def _start(self) -> ServedLoop | None:
        if self._pid != os.getpid():
            # The thread that held the lock did not survive the fork.
            self._lock = threading.Lock()
            self._pid = os.getpid()
        with self._lock:
            if at_exit.is_over:
                return None
            thread = self._thread
            if thread is None or not thread.is_alive:
                thread = self._thread = LoopThread.acquire()
                at_exit.add(thread.release)
                warn_if_sigterm_kills()
            elif _is_up(self._served) or not self._gate.may_start(thread.loop):
                return self._served
            self._served = thread.run(self._started)
            return self._served

    async def _started(self) -> ServedLoop:
        served = self._gate.start(asyncio.get_running_loop())
        await served.startup_over.wait()
        return served


def _is_up(served: ServedLoop | None) -> bool:
    return served is not None and served.phase == "running"


def _refuse(start_response: Callable[..., Any]) -> HttpResponseBase:
    response = HttpResponse(refusal_text(), status=503, content_type=CONTENT_TYPE)
    start_response(
        "503 Service Unavailable", [*response.items(), ("Retry-After", RETRY_AFTER)]
    )
    return response
