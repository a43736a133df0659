"""A management command that has a lifespan."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from typing import Any, ClassVar

from asgiref.sync import iscoroutinefunction
from django.core.management.base import BaseCommand

from ._compat import override
from ._declare.keys import StateKey
from ._declare.plan import keys_only
from ._declare.registry import Registry
from ._runtime.lifespan import Lifespan
from ._runtime.state import LifespanState
from ._threads.asgiref import is_in_loop
from .exceptions import LifespanError

__all__ = ["LifespanCommand"]


class LifespanCommand(BaseCommand):
    """
    A management command whose resources run while it does::

        class Command(LifespanCommand):
            only = (CATALOGUE,)

            async def ahandle(self, *args: Any, **options: Any) -> None:
                await self.state[CATALOGUE].refresh()

    A command of sync code has Django's ``handle`` as ever, and reaches async code
    through ``self.lifespan.call(function, *args)`` or ``async_to_sync``: either runs
    on the loop of the resources, in the transaction of the caller.

    The resources start after Django's checks, just before ``handle``, and stop after
    it, also where Ctrl-C, SIGTERM or SIGHUP ends it. What does not start is raised, and
    ``handle`` is not called.

    An async command is written as ``ahandle``, for Django's own names for async twins
    begin with an "a", and ``handle`` is sync: Django would not await it, and type
    checkers refuse such an override.
    """

    only: ClassVar[tuple[StateKey[Any], ...] | None] = None
    """The keys that start, with what they need; all of the registry if None."""

    registry: ClassVar[Registry | None] = None
    """What starts; None for the default registry."""

    lifespan: Lifespan
    """What runs while ``handle`` does."""

    state: LifespanState
    """The values of the resources."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.only is not None:
            keys_only(cls.only, cls.__qualname__)

    @override
    def execute(self, *args: Any, **options: Any) -> str | None:
        """Django's own, with the resources round ``handle`` alone."""
        self._refuse_mistakes()
        handle = partial(type(self).handle, self)
        # Django calls self.handle after its checks, which are to open nothing.
        self.__dict__["handle"] = partial(self._handle_in_lifespan, handle)
        try:
            return super().execute(*args, **options)
        finally:
            self.__dict__.pop("handle", None)

    @override
    def handle(self, *args: Any, **options: Any) -> str | None:
        """Run ``ahandle`` on the loop of the resources; sync commands override it."""
        return self.lifespan.call(self.ahandle, *args, **options)

    async def ahandle(self, *args: Any, **options: Any) -> str | None:
        """What an async command does; returns what is to be written to stdout."""
        raise NotImplementedError

    def _handle_in_lifespan(
        self, handle: Callable[..., str | None], *args: Any, **options: Any
    ) -> str | None:
        self.lifespan = Lifespan(self.registry, only=self.only)
        with leaving_at_signals(), self.lifespan as self.state:
            return handle(*args, **options)

    def _refuse_mistakes(self) -> None:
        if is_in_loop():
            raise LifespanError(
                "this code runs on an event loop, which a command would stop\n"
                "Write: await sync_to_async(call_command, thread_sensitive=False)(...)"
            )
        cls = type(self)
        name = f"{cls.__module__}.{cls.__qualname__}"
        if iscoroutinefunction(cls.handle):
            raise LifespanError(
                f"{name}.handle is async, which Django would not await\n"
                "Name it ahandle: async def ahandle(self, *args, **options):"
            )
        if cls.handle is LifespanCommand.handle:
            if cls.ahandle is LifespanCommand.ahandle:
                raise LifespanError(
                    f"{name} has nothing to do\n"
                    "Write: async def ahandle(self, *args, **options):, or handle "
                    "in sync code."
                )
            if not iscoroutinefunction(cls.ahandle):
                raise LifespanError(
                    f"{name}.ahandle is not async\n"
                    "Write: async def ahandle(self, *args, **options):, or name it "
                    "handle."
                )


@contextmanager
def leaving_at_signals() -> Generator[None]:
    # By default they end the process at once, and nothing would be closed. Under nohup
    # SIGHUP is ignored, and stays so.
    ours = [
        number
        for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))
        if threading.current_thread() is threading.main_thread()
        and signal.getsignal(number) is signal.SIG_DFL
    ]
    for number in ours:
        signal.signal(number, _leave)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def _leave(number: int, _frame: object) -> None:
    sys.exit(128 + number)  # as a shell reports a process that a signal ended
