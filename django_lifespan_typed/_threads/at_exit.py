"""Shutdown at the end of the process, for what no server and no loop has closed."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from typing import Final, TypeAlias, final

from .._log import logger
from .fork import after_fork

Close: TypeAlias = Callable[[], object]


@final
class AtExit:
    """Calls what was added, last in first out, once, in the process that added it."""

    def __init__(self) -> None:
        self._closes: list[Close] = []
        self._lock = threading.Lock()
        self._registered_in: int | None = None
        self._ended_in: int | None = None

    def add(self, close: Close) -> None:
        """Call *close* at the end of this process."""
        with self._lock:
            if self._registered_in != os.getpid():
                self._closes = []
                self._register()
                self._registered_in = os.getpid()
            self._closes.append(close)

    def discard(self, close: Close) -> None:
        """Do not call *close* after all."""
        if close in self._closes:
            self._closes.remove(close)

    @property
    def is_over(self) -> bool:
        """Whether this process is ending: what is added now may not be called."""
        return self._ended_in == os.getpid()

    def _register(self) -> None:
        # Private, since Python 3.9: runs before executors are shut down, which a
        # shutdown may need; atexit runs after.
        register = getattr(threading, "_register_atexit", atexit.register)
        try:
            register(self._run, os.getpid())
        except RuntimeError:  # the main thread has ended, another one still serves
            atexit.register(self._run, os.getpid())
        # A child of multiprocessing (a granian worker) runs no other exit function.
        from multiprocessing.util import Finalize

        Finalize(None, self._run, args=(os.getpid(),), exitpriority=100)

    def _run(self, pid: int) -> None:
        if pid != os.getpid():
            return
        self._ended_in = pid
        while self._closes:
            try:
                self._closes.pop()()
            except Exception:
                logger.exception("shutdown at the end of the process failed")

    def forget_lock(self) -> None:
        """Replace the lock: the thread that held it did not survive the fork."""
        self._lock = threading.Lock()


at_exit: Final = AtExit()
after_fork(at_exit.forget_lock)
