"""Sending a signal to sync and async receivers, the same on every Django."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any, Final, TypeAlias

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.dispatch import Signal

from .exceptions import LifespanError
from .signals import LifespanSender

if sys.version_info < (3, 11):
    from exceptiongroup import BaseExceptionGroup

# Seconds that cancelled receivers may take to end before nobody waits for them.
_UNWIND: Final = 1.0

Receiver: TypeAlias = Callable[..., Any]


async def send(signal: Signal, *, timeout: float, **named: Any) -> list[Any]:
    """
    Call every receiver with *named*, the sync ones first, in Django's shared
    thread, then the async ones concurrently; return what they returned.

    One that fails keeps no other from being called. Then one error is raised bare,
    several as a group. *timeout*, in seconds, holds for all of them together; a
    ``LifespanError`` says that it has passed.
    """
    receivers = _receivers(signal)
    if not receivers:
        return []
    # Not wait_for: on Python 3.10 and 3.11 it can lose a cancellation.
    sending = asyncio.ensure_future(_call_all(signal, receivers, named))
    try:
        done, _ = await asyncio.wait({sending}, timeout=_finite(timeout))
    except asyncio.CancelledError:
        sending.cancel()
        await asyncio.wait({sending}, timeout=_UNWIND)
        raise
    if not done:
        sending.cancel()
        await asyncio.wait({sending}, timeout=_UNWIND)
        names = ", ".join(repr(receiver) for receiver in receivers)
        raise LifespanError(
            f"receivers of a lifespan signal took longer than {timeout:g} s: {names}\n"
            "Make them shorter, or raise the limit in settings.LIFESPAN."
        )
    responses, errors = sending.result()
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise BaseExceptionGroup("receivers of a lifespan signal failed", errors)
    return responses


async def _call_all(
    signal: Signal, receivers: list[Receiver], named: dict[str, Any]
) -> tuple[list[Any], list[BaseException]]:
    named = {"signal": signal, "sender": LifespanSender, **named}
    outcomes: list[Any] = []
    for receiver in receivers:
        if not iscoroutinefunction(receiver):
            # In Django's shared thread: a receiver may use the database.
            outcomes += await asyncio.gather(
                sync_to_async(_plainly)(receiver, named), return_exceptions=True
            )
    waiting: list[Awaitable[Any]] = [
        receiver(**named) for receiver in receivers if iscoroutinefunction(receiver)
    ]
    # A sync receiver may return an awaitable: a mock, a partial of a coroutine.
    waiting += [outcome for outcome in outcomes if isawaitable(outcome)]
    outcomes = [outcome for outcome in outcomes if not isawaitable(outcome)]
    outcomes += await asyncio.gather(*map(_awaited, waiting), return_exceptions=True)
    errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    return outcomes, [_contained(error) for error in errors]


def _plainly(receiver: Receiver, named: dict[str, Any]) -> Any:
    try:
        return receiver(**named)
    except (KeyboardInterrupt, SystemExit, asyncio.CancelledError) as error:
        return _contained(error)


async def _awaited(waiting: Awaitable[Any]) -> Any:
    try:
        return await waiting
    except (KeyboardInterrupt, SystemExit) as error:
        return _contained(error)


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
