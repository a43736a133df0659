"""The WSGI application of a project that has a lifespan."""

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

from ._asgi.gate import Record, host_of
from ._compat import override
from ._declare.registry import Registry, default_registry
from ._runtime.current import running
from ._threads.asgiref import use_loop
from ._threads.at_exit import at_exit
from ._threads.loop_thread import Portal

__all__ = ["LifespanWSGIHandler", "get_wsgi_application"]


def get_wsgi_application(registry: Registry | None = None) -> LifespanWSGIHandler:
    """
    Django's ``get_wsgi_application``, with a lifespan::

        application = get_wsgi_application()

    *registry* is what the lifespan starts; the default one unless told otherwise.
    """
    django.setup(set_prefix=False)
    return LifespanWSGIHandler(registry)


class LifespanWSGIHandler(WSGIHandler):
    """
    Django's own WSGI handler, beside a thread with an event loop for the resources.

    They start with the first request of a process, so after any fork, and stop when
    the process ends. Async views and ``async_to_sync`` run on that same loop.
    Requests are refused with 503 if the start failed.
    """

    def __init__(self, registry: Registry | None = None) -> None:
        super().__init__()
        self._registry = default_registry if registry is None else registry
        self._host = host_of(self._registry)
        self._portal: Portal | None = None
        self._record: Record | None = None
        self._lock = threading.Lock()
        self._pid = os.getpid()

    @override
    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> HttpResponseBase:
        """Serve one request."""
        portal = self._portal
        if portal is None or not portal.alive:
            portal = self._start()
        if portal is None or self._record is None or self._record.phase != "running":
            return _refuse(start_response)
        use_loop(portal.loop)
        # Whatever other threads run on that loop, this request has its server's.
        running.enter(self._record.lifespan)
        serve: Callable[..., HttpResponseBase] = super().__call__
        return serve(environ, start_response)

    def _start(self) -> Portal | None:
        if self._pid != os.getpid():
            # The thread that held the lock at the fork is not here to release it.
            self._lock = threading.Lock()
            self._pid = os.getpid()
        with self._lock:
            if at_exit.over:
                return None
            if self._portal is None or not self._portal.alive:
                portal = Portal.shared()
                at_exit.add(portal.release)
                self._record = portal.run(self._started)
                self._portal = portal
            return self._portal

    async def _started(self) -> Record:
        record = self._host.start(asyncio.get_running_loop())
        await record.settled.wait()
        return record


def _refuse(start_response: Callable[..., Any]) -> HttpResponseBase:
    text = "Service Unavailable: the application is not running.\n"
    response = HttpResponse(text, status=503, content_type="text/plain")
    start_response(
        "503 Service Unavailable", [*response.items(), ("Retry-After", "10")]
    )
    return response
