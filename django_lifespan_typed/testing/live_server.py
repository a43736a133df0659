"""Requests that other threads serve while a test runs: a live server's."""

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
    Let async views of Django's live servers run on the loop of *lifespan*, which
    another thread runs.

    Django serves them from threads of its own, with an event loop for each request.
    """
    own = threading.current_thread()

    def receiver(**_: object) -> None:
        if threading.current_thread() is not own:
            use_loop(lifespan.loop)

    request_started.connect(receiver)  # as long as this block holds it
    try:
        yield
    finally:
        request_started.disconnect(receiver)
