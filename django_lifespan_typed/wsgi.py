"""The WSGI application of a project, with a lifespan."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from typing import Any

import django
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.http.response import HttpResponseBase

from ._asgi.gate import ServedLoop, gate_of
from ._asgi.protocol import UNAVAILABLE
from ._compat import override
from ._declare.registry import Registry, registry_or_default
from ._runtime.current import running
from ._threads.asgiref import use_loop
from ._threads.at_exit import at_exit
from ._threads.loop_thread import LoopThread

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
    Requests are refused with 503 if the startup failed.

    :param registry: the ``Registry`` to start; None for the default one.
    """

    def __init__(self, registry: Registry | None = None) -> None:
        super().__init__()
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
        thread = self._thread
        if thread is None or not thread.is_alive:
            thread = self._start()
        if thread is None or self._served is None or self._served.phase != "running":
            return _refuse(start_response)
        use_loop(thread.loop)
        # Other threads may run lifespans on that loop, too.
        running.enter(self._served.lifespan)
        serve: Callable[..., HttpResponseBase] = super().__call__
        return serve(environ, start_response)

    def _start(self) -> LoopThread | None:
        if self._pid != os.getpid():
            # The thread that held the lock did not survive the fork.
            self._lock = threading.Lock()
            self._pid = os.getpid()
        with self._lock:
            if at_exit.is_over:
                return None
            if self._thread is None or not self._thread.is_alive:
                thread = LoopThread.acquire()
                at_exit.add(thread.release)
                self._served = thread.run(self._started)
                self._thread = thread
            return self._thread

    async def _started(self) -> ServedLoop:
        served = self._gate.start(asyncio.get_running_loop())
        await served.startup_over.wait()
        return served


def _refuse(start_response: Callable[..., Any]) -> HttpResponseBase:
    response = HttpResponse(UNAVAILABLE, status=503, content_type="text/plain")
    start_response(
        "503 Service Unavailable", [*response.items(), ("Retry-After", "10")]
    )
    return response
