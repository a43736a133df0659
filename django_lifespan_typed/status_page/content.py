"""The content of the status page: the template's context."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Final

from .._runtime.health import ResourceHealth
from .._runtime.lifespan import Lifespan
from .._runtime.lookup import find_lifespan
from .._runtime.startup_times import startup_times
from .._runtime.status import ResourceStatus
from ..exceptions import LifespanError, LifespanNotRunning
from .graph import draw_graph, levels
from .text import duration
from .waterfall import draw_waterfall

_NONE_RUNS: Final = (
    "No lifespan runs for this request. If its startup failed, the log has the "
    "traceback. Otherwise let asgi.py use "
    "django_lifespan_typed.asgi.get_asgi_application, and wsgi.py, which runserver "
    "also uses, django_lifespan_typed.wsgi.get_wsgi_application."
)
_SEVERAL_RUN: Final = (
    "Several lifespans run in this process, and this request belongs to none of them."
)


def content() -> dict[str, object]:
    """Describe the lifespan that serves this request."""
    pid = os.getpid()
    try:
        lifespan = find_lifespan()
    except LifespanNotRunning:
        return {"pid": pid, "problem": _SEVERAL_RUN}
    if lifespan is None:
        return {"pid": pid, "problem": _NONE_RUNS}
    statuses = lifespan.status()
    health = health_of(lifespan)
    health_by_name = {record.name: record for record in health}
    waterfall = draw_waterfall(startup_times(statuses))
    phases = [status.phase for status in statuses]
    connected = {status.name for column in levels(statuses) for status in column}
    return {
        "pid": pid,
        "rows": [_row(status, health_by_name.get(status.name)) for status in statuses],
        "phases": [(phases.count(phase), phase) for phase in dict.fromkeys(phases)],
        "checked_at": checked_at(health),
        "waterfall": waterfall,
        "graph": draw_graph(statuses, waterfall.critical if waterfall else ()),
        "unconnected": [one.name for one in statuses if one.name not in connected],
    }


def health_of(lifespan: Lifespan) -> tuple[ResourceHealth, ...]:
    """Make the health checks; returns nothing if the event loop cannot make them."""
    try:
        return lifespan.call(lifespan.health)
    except LifespanError:
        return ()  # it has just stopped, or its event loop is blocked by this view


def checked_at(health: Sequence[ResourceHealth]) -> str:
    """Return the time of the oldest check: no verdict is older than that."""
    checked = [record for record in health if record.seconds is not None]
    times = [record.checked_at for record in checked or health]
    return f"{min(times):%H:%M:%S}" if times else ""


def _row(status: ResourceStatus, health: ResourceHealth | None) -> dict[str, object]:
    # An error of the resource itself is shown beside its phase.
    error = health.error if health and health.error is not status.error else None
    seconds = health.seconds if health else None
    return {
        "status": status,
        # Split where a line may break.
        "name_parts": re.findall(r"[^_.-]*[_.-]*", status.name),
        "took": duration(status.seconds),
        "uptime": duration(status.age),
        "error": type(status.error).__name__ if status.error is not None else "",
        "verdict": health.verdict if health else "",
        "latency": "" if seconds is None else duration(seconds),
        "health_error": type(error).__name__ if error else "",
    }
