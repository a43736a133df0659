"""What is closed when the process ends, and no server or loop has closed it."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from typing import TypeAlias, final

from .._log import logger

Close: TypeAlias = Callable[[], object]


@final
class AtExit:
    """Calls what was added, the latest first, once, and only in its own process."""

    def __init__(self) -> None:
        self._closes: list[Close] = []
        self._lock = threading.Lock()
        self._pid: int | None = None
        self._over_in: int | None = None

    def add(self, close: Close) -> None:
        """Call *close* at the end of this process."""
        with self._lock:
            if self._pid != os.getpid():
                self._register()
                self._pid = os.getpid()
            self._closes.append(close)

    def _register(self) -> None:
        # Not at import, and anew after a fork: a child ends by itself.
        self._closes = []
        # Before executors are shut down, which closing may want. Private, and
        # there since Python 3.9; atexit comes after them.
        register = getattr(threading, "_register_atexit", atexit.register)
        try:
            register(self._run, os.getpid())
        except RuntimeError:  # another thread serves on when the main one has ended
            atexit.register(self._run, os.getpid())
        # A child of multiprocessing (a granian worker) may run nothing else.
        from multiprocessing.util import Finalize

        Finalize(None, self._run, args=(os.getpid(),), exitpriority=100)

    def forget(self) -> None:
        """A forked child does not know who held the lock."""
        self._lock = threading.Lock()

    def discard(self, close: Close) -> None:
        """*close* is not needed any more."""
        if close in self._closes:
            self._closes.remove(close)

    @property
    def over(self) -> bool:
        """Whether this process ends: what is added now may never be closed."""
        return self._over_in == os.getpid()

    def _run(self, pid: int) -> None:
        if pid != os.getpid():
            return
        self._over_in = pid
        while self._closes:
            try:
                self._closes.pop()()
            except Exception:
                logger.exception("what was to be closed at exit failed to close")


at_exit = AtExit()
os.register_at_fork(after_in_child=at_exit.forget)
