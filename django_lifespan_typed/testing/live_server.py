"""Live servers of test cases, in a thread (Django) or in a process (Channels)."""

from __future__ import annotations

import multiprocessing
import threading
import unittest
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

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


def refuse_spawned_server(case: type[unittest.TestCase]) -> None:
    """Raise ``RuntimeError`` if the server process of *case* will see no overrides."""
    # None until a process or set_start_method() settles it. The default comes first.
    method = multiprocessing.get_start_method(allow_none=True)
    method = method or multiprocessing.get_all_start_methods()[0]
    if _has_server_process(case) and method != "fork":
        raise RuntimeError(
            f"override_state() does not reach the live server of {case.__qualname__}: "
            f"the start method of its process is {method!r}, and only 'fork' copies "
            "overrides\n"
            'Write multiprocessing.set_start_method("fork") in the settings of the '
            "tests, or use Django's LiveServerTestCase, whose server is a thread."
        )


def refuse_running_server(name: str, arguments: tuple[Any, ...]) -> None:
    """Raise ``RuntimeError`` if method *name* tests a server that is a process."""
    case = arguments[0] if arguments else None
    if isinstance(case, unittest.TestCase) and _has_server_process(type(case)):
        tests = type(case).__qualname__
        raise RuntimeError(
            f"override_state() on {name} does not reach the live server of {tests}, "
            "a process that started before the test\n"
            f"Decorate the class {tests}. For code in the process of the test, write "
            "in the method: with override_state(KEY, value):"
        )


def _has_server_process(case: type[unittest.TestCase]) -> bool:
    # The public attribute of ChannelsLiveServerTestCase.
    server = getattr(case, "ProtocolServerProcess", None)
    return isinstance(server, type) and issubclass(server, multiprocessing.Process)
