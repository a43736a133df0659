"""Holds back what signal handlers raise while a sync block is entered or left."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType
from typing import Any, Final, TypeAlias, final

from .fork import after_fork

Handler: TypeAlias = Callable[[int, FrameType | None], Any]


@final
class HeldInterrupts:
    """
    A block of the main thread that no exception of a signal handler interrupts.

    Handlers still run at once. The first exception that one raises (Ctrl-C, Celery's
    soft time limit) is raised at the end of the outermost block. In other threads,
    where Python runs no signal handler, the block has no effect.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._replaced: dict[int, tuple[Handler, Handler]] = {}
        self._raised: BaseException | None = None
        self._callbacks: list[Callable[[], object]] = []

    def __enter__(self) -> None:
        depth = self._depth
        try:
            self._hold(depth)
        except BaseException as error:  # raised by a handler that is not replaced yet
            self._hold(depth)
            self._record(error)

    def __exit__(self, *_: object) -> None:
        if not _is_main_thread():
            return
        if self._depth > 1:
            self._depth -= 1
            return
        try:
            self._release()
        finally:
            self._release()  # the rest, if an interrupt came between
            self._replaced = {}
            raised, self._raised = self._raised, None
            if raised is not None:
                raise raised

    @contextmanager
    def calling(self, callback: Callable[[], object]) -> Generator[None]:
        """Hold interrupts for a block, and call *callback* at each of them."""
        with self:
            is_main = _is_main_thread()
            if is_main:
                self._callbacks.append(callback)
                if self._raised is not None:
                    callback()
            try:
                yield
            finally:
                if is_main:
                    self._callbacks.remove(callback)

    def forget(self) -> None:
        """Let a forked child be interrupted: its parent is in the block."""
        self._release()
        self._replaced = {}
        self._raised = None
        self._callbacks = []

    def _release(self) -> None:
        self._depth = 0
        for number, (ours, theirs) in self._replaced.items():
            if signal.getsignal(number) is ours:
                signal.signal(number, theirs)

    def _hold(self, depth: int) -> None:
        if not _is_main_thread():
            return
        self._depth = depth + 1
        if depth:
            return
        for number in signal.valid_signals() - self._replaced.keys():
            theirs: Any = signal.getsignal(number)
            if callable(theirs):
                ours = partial(self._handle, theirs)
                self._replaced[number] = ours, theirs
                with suppress(ValueError):  # in a subinterpreter
                    signal.signal(number, ours)

    def _handle(self, handler: Handler, number: int, frame: FrameType | None) -> None:
        try:
            handler(number, frame)
        except BaseException as error:
            if not self._depth:
                raise
            self._record(error)

    def _record(self, error: BaseException) -> None:
        if self._raised is None:
            self._raised = error
        for callback in self._callbacks:
            callback()


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


held_interrupts: Final = HeldInterrupts()
"""The one of the main thread, as signal handlers belong to the process."""
after_fork(held_interrupts.forget)
