"""Lock: what every lock for background tasks provides."""

from __future__ import annotations

import abc
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias

from .._declare.keys import StateKey, kind_of
from .._declare.location import calling_location
from ..exceptions import InvalidDeclaration

UntilLost: TypeAlias = Callable[[], Awaitable[object]]
"""Returns, or raises, when the lock is lost. It checks only while it is awaited."""


class Lock(abc.ABC):
    """
    The base class of locks. Derive from it to use another engine::

        class LeaseLock(Lock):
            @asynccontextmanager
            async def hold(self, name: str) -> AsyncGenerator[UntilLost | None]:
                lease = await leases.try_acquire(name)
                if lease is None:
                    yield None
                    return
                try:
                    yield lease.wait_until_lost
                finally:
                    await lease.release()

    One lock object may serve several event loops and several names concurrently, so
    ``hold`` keeps its state in local variables.

    No lock can stop code on another machine. A process that was suspended, or whose
    event loop was blocked, may continue for a moment after another one has acquired
    the lock. Where two writers would do damage, let the store refuse the older one
    with a fencing token: a number that each holder increments first, and that each
    write compares (``UPDATE ... WHERE token = %s``).
    """

    name: str | None = None
    """The name of the lock; None for the name of the task."""
    needs: tuple[StateKey[Any], ...] = ()
    """The dependencies; their values are passed to ``hold``."""

    @abc.abstractmethod
    def hold(
        self, name: str, *needs: Any
    ) -> AbstractAsyncContextManager[UntilLost | None]:
        """
        Return a block that holds the lock.

        Entering tries once, without waiting. It gives None if this or another process
        holds the lock, otherwise a function to await while the block runs: it returns
        or raises when the lock is lost. Leaving the block releases the lock, also if
        the block is cancelled. Entering raises the engine's errors.

        :param name: the name of the lock.
        :param needs: the values of the dependencies in ``needs``, in their order.
        """


def invalid_argument(problem: str, fix: str) -> InvalidDeclaration:
    """Return the exception for an argument of a lock, with the user's location."""
    return InvalidDeclaration(problem, calling_location(), fix)


def checked_name(lock: Lock, name: object) -> str | None:
    """Return *name*; raises ``InvalidDeclaration`` unless it is a name or None."""
    if name is None or (isinstance(name, str) and name):
        return name
    kind = type(lock).__name__
    raise invalid_argument(
        f"{kind} takes a string as name=, not {kind_of(name)}",
        'Write: name="price_feed", or leave it out to use the name of the task.',
    )
