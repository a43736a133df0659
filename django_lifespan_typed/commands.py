"""LifespanCommand: a management command with a running lifespan."""

from __future__ import annotations

import signal
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
from ._threads.sigterm import leave
from .exceptions import LifespanError

__all__ = ["LifespanCommand"]


class LifespanCommand(BaseCommand):
    """
    A management command whose resources run during ``handle``::

        class Command(LifespanCommand):
            only = (CATALOGUE,)

            async def ahandle(self, *args: Any, **options: Any) -> None:
                await self.state[CATALOGUE].refresh()

    A sync command implements Django's ``handle``. It calls async code through
    ``self.lifespan.call(function, *args)`` or ``async_to_sync``: either runs it on
    the event loop of the resources, in the caller's database transaction.

    The resources start after Django's checks, just before ``handle``, and shut down
    after it, also if Ctrl-C, SIGTERM or SIGHUP ends the command. A failed startup
    raises its error, and ``handle`` is not called.

    An async command implements ``ahandle``, named as Django names its async methods.
    ``handle`` stays sync: Django does not await it, and type checkers refuse an
    async override of a sync method.
    """

    only: ClassVar[tuple[StateKey[Any], ...] | None] = None
    """The keys to start, with their dependencies; None for all of the registry."""

    registry: ClassVar[Registry | None] = None
    """The registry to start; None for the default registry."""

    lifespan: Lifespan
    """The lifespan that runs during ``handle``."""

    state: LifespanState
    """The values of the resources."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.only is not None:
            keys_only(cls.only, cls.__qualname__)

    @override
    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command as Django does, with the resources during ``handle``."""
        self._refuse_mistakes()
        handle = partial(type(self).handle, self)
        # Django calls self.handle after its checks, which must not start anything.
        self.__dict__["handle"] = partial(self._handle_in_lifespan, handle)
        try:
            return super().execute(*args, **options)
        finally:
            self.__dict__.pop("handle", None)

    @override
    def handle(self, *args: Any, **options: Any) -> str | None:
        """Run ``ahandle`` on the resources' event loop; sync commands override it."""
        return self.lifespan.call(self.ahandle, *args, **options)

    async def ahandle(self, *args: Any, **options: Any) -> str | None:
        """Implement an async command; Django writes the returned text to stdout."""
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
                "this code runs on an event loop, which a command would block\n"
                "Write: await sync_to_async(call_command, thread_sensitive=False)(...)"
            )
        cls = type(self)
        name = f"{cls.__module__}.{cls.__qualname__}"
        if iscoroutinefunction(cls.handle):
            raise LifespanError(
                f"{name}.handle is async, and Django does not await it\n"
                "Write: async def ahandle(self, *args, **options):"
            )
        is_missing = cls.ahandle is LifespanCommand.ahandle
        if cls.handle is LifespanCommand.handle and (
            is_missing or not iscoroutinefunction(cls.ahandle)
        ):
            problem = " implements neither handle nor ahandle"
            raise LifespanError(
                f"{name}{problem if is_missing else '.ahandle is not async'}\n"
                "Write: async def ahandle(self, *args, **options):\n"
                "Or, in a sync command: def handle(self, *args, **options):"
            )


@contextmanager
def leaving_at_signals() -> Generator[None]:
    """
    Leave the block by ``SystemExit`` when SIGTERM or SIGHUP arrives.

    By default these signals end the process at once, and nothing is shut down. A
    project's own signal handlers stay, and so does the ignored SIGHUP under nohup.
    """
    ours: list[int] = []
    if threading.current_thread() is threading.main_thread():
        numbers = {signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}
        ours += [each for each in numbers if signal.getsignal(each) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)
