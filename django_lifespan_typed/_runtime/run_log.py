"""Log lines about a startup or a shutdown as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from logging import INFO
from time import monotonic
from typing import final

from .._declare.plan import Plan
from .._log import logger
from .._text import quoted
from .resource_task import ResourceTask


@final
class Repeating:
    """A call that is repeated on the loop every *seconds* until it is cancelled."""

    def __init__(self, seconds: float, call: Callable[[], object]) -> None:
        self._loop = asyncio.get_running_loop()
        self._seconds = seconds
        self._call = call
        self._schedule()

    def _schedule(self) -> None:
        self._handle = self._loop.call_later(self._seconds, self._run)

    def cancel(self) -> None:
        """Do not call again."""
        self._handle.cancel()

    def _run(self) -> None:
        self._call()
        self._schedule()


def log_slow(tasks: Sequence[tuple[ResourceTask, list[str]]], began: float) -> None:
    """Log the slow *tasks*, each with the names of those that wait for it."""
    if not tasks:
        return
    now = monotonic()
    slow = [
        f"{task.resource.name!r} for {now - task.began_at:.1f} s"
        + (f" (waiting for it: {quoted(waiting)})" if waiting else "")
        for task, waiting in tasks
    ]
    phase = tasks[0][0].phase
    logger.warning("still %s after %.1f s: %s", phase, now - began, ", ".join(slow))


def log_started(plan: Plan, tasks: Iterable[ResourceTask], began: float) -> None:
    """Log how long the startup took, and its critical path."""
    if not logger.isEnabledFor(INFO):
        return
    started = {
        task.resource.name: task.started_at
        for task in tasks
        if task.started_at is not None
    }
    path = " > ".join(map(repr, critical_path(started, plan.dependencies)))
    logger.info(
        "lifespan started %d resource%s in %.1f ms%s",
        len(started),
        "" if len(started) == 1 else "s",
        (monotonic() - began) * 1000,
        f", critical path: {path}" if path else "",
    )


def critical_path(
    finished: Mapping[str, float], needs: Mapping[str, Iterable[str]]
) -> list[str]:
    """
    Return the chain of resources that determined how long the startup took.

    *finished* maps each started resource to the time at which it had started, *needs*
    maps it to its dependencies. The chain ends with the resource that was last.
    """
    path: list[str] = []
    candidates: Iterable[str] = finished
    while started := [name for name in candidates if name in finished]:
        last = max(started, key=finished.__getitem__)
        path.append(last)
        candidates = needs.get(last, ())
    return path[::-1]


def log_stopped(began: float) -> None:
    """Log how long the shutdown took."""
    logger.info("lifespan stopped in %.1f ms", (monotonic() - began) * 1000)
