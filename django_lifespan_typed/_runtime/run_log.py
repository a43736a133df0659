"""What the log says of a run as a whole."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from time import monotonic
from typing import final

from .._declare.plan import Plan
from .._log import logger
from .._text import quoted
from .resource_task import Owner


@final
class Repeating:
    """A call that repeats on the loop until it is cancelled."""

    def __init__(self, seconds: float, call: Callable[[], object]) -> None:
        self._loop = asyncio.get_running_loop()
        self._seconds = seconds
        self._call = call
        self._handle = self._loop.call_later(seconds, self._run)

    def cancel(self) -> None:
        """Do not call again."""
        self._handle.cancel()

    def _run(self) -> None:
        self._call()
        self._handle = self._loop.call_later(self._seconds, self._run)


def log_slow(
    owners: Iterable[tuple[Owner, list[str]]], verb: str, began: float
) -> None:
    """Name what is still being waited for, and by whom."""
    now = monotonic()
    slow = [
        f"{owner.resource.name!r} for {now - (owner.began_at or now):.1f} s"
        + (f" (waiting for it: {quoted(waiting)})" if waiting else "")
        for owner, waiting in owners
    ]
    names = ", ".join(slow) or "nothing"
    logger.warning("lifespan still %s after %.1f s: %s", verb, now - began, names)


def log_started(plan: Plan, owners: Iterable[Owner], began: float) -> None:
    """Say how long the whole start took, and along which path."""
    if not logger.isEnabledFor(logging.INFO):
        return
    started = {
        owner.resource.name: owner.started_at
        for owner in owners
        if owner.started_at is not None
    }
    logger.info(
        "lifespan started %d resource%s in %.1f ms%s",
        len(started),
        "" if len(started) == 1 else "s",
        (monotonic() - began) * 1000,
        f", critical path: {' > '.join(plan.critical_path(started))}"
        if started
        else "",
    )


def log_stopped(began: float) -> None:
    """Say how long the whole stop took."""
    logger.info("lifespan stopped in %.1f ms", (monotonic() - began) * 1000)
