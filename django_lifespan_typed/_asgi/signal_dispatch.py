"""Sends a signal to sync and async receivers, within a time limit."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from inspect import isawaitable
from typing import Any

from asgiref.sync import sync_to_async
from django.dispatch import Signal

from .._compat import ExceptionGroup
from .._settings import LifespanSettings, finite
from .._threads.cancellation import shielded
from .._threads.database import OpenedConnections
from ..exceptions import LifespanError
from ..signals import LifespanSender


async def send(
    signal: Signal, *, timeout: float, to_the_end: bool = False, **named: Any
) -> list[Any]:
    """
    Call every receiver of *signal* with *named*; returns what they returned.

    A receiver that raises does not keep the others from being called. Afterwards a
    single exception is raised as it is, several as an ``ExceptionGroup``. The database
    connections that the receivers opened are closed.

    :param timeout: Seconds for all receivers together, then raises ``LifespanError``.
    :param to_the_end: If this is cancelled, let the receivers finish within *timeout*
        before raising; otherwise they are cancelled, too.
    """
    if not signal.has_listeners(LifespanSender):
        return []
    with OpenedConnections() as opened:
        try:
            return await _send_within(timeout, to_the_end, _send(signal, named))
        finally:
            with shielded():
                await opened.close(LifespanSettings.read().CANCEL_TIMEOUT)


async def _send_within(
    timeout: float, to_the_end: bool, coroutine: Coroutine[Any, Any, list[Any]]
) -> list[Any]:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    sending = asyncio.ensure_future(coroutine)
    cancelled = await _wait(sending, timeout)
    while to_the_end and cancelled and not sending.done() and loop.time() < deadline:
        cancelled = await _wait(sending, deadline - loop.time()) or cancelled
    is_late = cancelled is None and not sending.done()
    if not sending.done():
        sending.cancel()
        limit = LifespanSettings.read().CANCEL_TIMEOUT
        cancelled = await _wait(sending, limit) or cancelled
    if cancelled is not None:
        raise cancelled
    if is_late:
        raise LifespanError(
            f"the receivers of a lifespan signal took longer than {timeout:g} s\n"
            'Make them shorter, or raise LIFESPAN["START_TIMEOUT"] or "STOP_TIMEOUT".'
        )
    return _results(sending)


async def _send(signal: Signal, named: dict[str, Any]) -> list[Any]:
    robust = getattr(signal, "asend_robust", None)
    if robust is None:  # Django 4.2 returns the coroutines of async receivers
        robust = sync_to_async(signal.send_robust)
    responses = await robust(LifespanSender, **named)
    return [await _result(response) for _, response in responses]


async def _result(response: Any) -> Any:
    if not isawaitable(response):
        return response
    try:
        return await response
    except Exception as error:
        return error


async def _wait(
    sending: asyncio.Task[list[Any]], seconds: float
) -> asyncio.CancelledError | None:
    # Not wait_for(), which can lose a cancellation on Python 3.10 and 3.11.
    try:
        await asyncio.wait({sending}, timeout=finite(seconds))
    except asyncio.CancelledError as error:
        return error
    return None


def _results(sending: asyncio.Task[list[Any]]) -> list[Any]:
    failure = asyncio.CancelledError() if sending.cancelled() else sending.exception()
    if isinstance(failure, Exception):
        raise failure
    if failure is not None:
        # Raised as it is, it would end the loop or look like a cancelled lifespan.
        raise LifespanError(
            f"a receiver of a lifespan signal raised {type(failure).__name__}"
        ) from failure
    results = sending.result()
    errors = [result for result in results if isinstance(result, Exception)]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise ExceptionGroup("receivers of a lifespan signal failed", errors)
    return results
