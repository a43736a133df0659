"""Green threads, which cannot run an event loop beside other code."""

from __future__ import annotations

import sys
from typing import Any

from ..exceptions import LifespanError


def refuse_green_threads() -> None:
    """
    Raise ``LifespanError`` if gevent or eventlet has replaced Python's threads.

    A "thread" is then a part of the only thread: while an event loop runs in it, Django
    refuses every query (``SynchronousOnlyOperation``).
    """
    gevent: Any = sys.modules.get("gevent.monkey")
    eventlet: Any = sys.modules.get("eventlet.patcher")
    if gevent is not None and gevent.is_module_patched("threading"):
        name = "gevent"
    elif eventlet is not None and eventlet.is_monkey_patched("thread"):
        name = "eventlet"
    else:
        return
    raise LifespanError(
        f"{name} has replaced threads by green threads, and the event loop of the "
        "resources needs a thread of its own\n"
        "Serve with threads or an event loop instead: gunicorn -k gthread, gunicorn -k "
        "asgi, celery --pool threads."
    )
