"""Sending a signal to sync and async receivers, the same on every Django."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from inspect import isawaitable
from typing import Any, Final, TypeAlias, final

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.dispatch import Signal

from ..exceptions import LifespanError
from ..signals import LifespanSender

if sys.version_info < (3, 11):
    from exceptiongroup import BaseExceptionGroup

# Seconds that cancelled receivers may take to end before nobody waits for them.
_UNWIND: Final = 1.0

Receiver: TypeAlias = Callable[..., Any]


async def send(
    signal: Signal, *, timeout: float, to_the_end: bool = False, **named: Any
) -> list[Any]:
    """
    Call every receiver with *named*, the sync ones first, in Django's shared
    thread, then the async ones concurrently; return what they returned.

    One that fails keeps no other from being called. Then one error is raised bare,
    several as a group. *timeout*, in seconds, holds for all of them together; a
    ``LifespanError`` says that it has passed. Cancelled, it cancels those that run,
    and raises; *to_the_end*, it calls the others before.
    """
    named = {"signal": signal, "sender": LifespanSender, **named}
    calls = [_Call(receiver, named) for receiver in _receivers(signal)]
    calls.sort(key=lambda call: call.is_async)
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + timeout
    cancelled: asyncio.CancelledError | None = None
    is_late = False
    while left := [call for call in calls if not call.begun]:
        # Not wait_for: on Python 3.10 and 3.11 it can lose a cancellation.
        sending = asyncio.ensure_future(_make(left))
        error = await _wait(sending, ends_at - loop.time())
        while error and to_the_end and not (sending.done() or left[0].begun):
            # Cancelled before its first step, a task never enters its coroutine.
            cancelled, error = error, await _wait(sending, ends_at - loop.time())
        cancelled = error or cancelled
        is_late = error is None and not sending.done()
        if not sending.done():
            sending.cancel()
            cancelled = await _wait(sending, _UNWIND) or cancelled
        elif sending.cancelled():  # by a loop that cancels every task that it has
            cancelled = cancelled or asyncio.CancelledError()
        else:
            sending.result()  # raises where nothing can be called: no thread is left
        if is_late or (cancelled and not to_the_end):
            break
    if cancelled is not None:
        raise cancelled
    if is_late:
        names = ", ".join(repr(call.receiver) for call in calls)
        raise LifespanError(
            f"receivers of a lifespan signal took longer than {timeout:g} s: {names}\n"
            "Make them shorter, or raise the limit in settings.LIFESPAN."
        )
    errors = [call.error for call in calls if call.error is not None]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise BaseExceptionGroup("receivers of a lifespan signal failed", errors)
    return [call.value for call in calls]


async def _wait(
    sending: asyncio.Task[None], seconds: float
) -> asyncio.CancelledError | None:
    try:
        await asyncio.wait({sending}, timeout=_finite(seconds))
    except asyncio.CancelledError as error:
        return error
    return None


async def _make(calls: list[_Call]) -> None:
    for call in calls:
        if not call.is_async:
            # In Django's shared thread: a receiver may use the database.
            await sync_to_async(call.make_in_thread)()
    rest = [call for call in calls if not call.done]
    made = await asyncio.gather(*(call.make() for call in rest), return_exceptions=True)
    for call, error in zip(rest, made, strict=True):
        if error is not None:  # it raised a CancelledError of its own
            call.settle(error=error)


@final
class _Call:
    """One receiver, called once."""

    def __init__(self, receiver: Receiver, named: dict[str, Any]) -> None:
        self.receiver = receiver
        self.is_async = iscoroutinefunction(receiver)
        self.begun = False
        self.done = False
        self.value: Any = None
        self.error: BaseException | None = None
        self._named = named

    def make_in_thread(self) -> None:
        self.begun = True
        try:
            value = self.receiver(**self._named)
        except BaseException as error:  # the others are called too
            self.settle(error=error)
            return
        # A sync receiver may return an awaitable: a mock, a partial of a coroutine.
        self.value = value
        if not isawaitable(value):
            self.settle(value)

    async def make(self) -> None:
        self.begun = True
        try:
            made = self.receiver(**self._named) if self.is_async else self.value
            value = await made
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # the others are called too
            self.settle(error=error)
        else:
            self.settle(value)

    def settle(self, value: Any = None, error: BaseException | None = None) -> None:
        self.value = value
        self.error = None if error is None else _contained(error)
        self.done = True


def _contained(error: BaseException) -> BaseException:
    # Raised on, these would end the loop, or look like a server without lifespan.
    if isinstance(error, Exception):
        return error
    contained = LifespanError(
        f"a receiver of a lifespan signal raised {type(error).__name__}"
    )
    contained.__cause__ = error
    return contained


def _receivers(signal: Signal) -> list[Receiver]:
    live: Any = signal._live_receivers(LifespanSender)
    # Django 5.0 parts them into sync and async.
    return [*live[0], *live[1]] if isinstance(live, tuple) else list(live)


def _finite(seconds: float) -> float | None:
    return None if seconds == float("inf") else seconds
