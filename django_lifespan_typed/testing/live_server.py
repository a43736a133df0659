"""Runs the async views of Django's live servers on the event loop of a lifespan."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

from django.core.signals import request_started

from .._runtime.lifespan import Lifespan
from .._threads.asgiref import use_loop


@contextmanager
def serving_on(lifespan: Lifespan) -> Generator[None]:
    """
    Serve the requests of other threads on the event loop of *lifespan*.

    Django's live servers handle requests in threads of their own, and would run
    each async view on a new event loop.
    """
    own = threading.current_thread()

    def receiver(**_: object) -> None:
        if threading.current_thread() is not own:
            use_loop(lifespan.loop)

    request_started.connect(receiver)  # weakly: the block keeps the reference
    try:
        yield
    finally:
        request_started.disconnect(receiver)
