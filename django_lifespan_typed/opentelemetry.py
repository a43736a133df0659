"""instrument: OpenTelemetry spans of startups and shutdowns, and metrics of phases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import product
from threading import TIMEOUT_MAX, Thread
from time import time_ns
from typing import Final, NamedTuple, get_args

from ._runtime.current import running
from ._runtime.observers import Transition, observers
from ._runtime.status import Phase, ResourceStatus
from ._settings import LifespanSettings
from ._tasks.record import TaskPhase
from ._text import error_text

try:
    from opentelemetry import metrics, trace
except ImportError as _error:
    raise ImportError(
        "django_lifespan_typed.opentelemetry needs opentelemetry-api, which is not "
        'installed\nInstall it: pip install "django-lifespan-typed[otel]"'
    ) from _error

__all__ = ["instrument", "uninstrument"]

_SCOPE: Final = "django_lifespan_typed"

_observer: Callable[[Transition], None] | None = None
"""None while lifespans are not instrumented."""


def instrument(
    tracer_provider: trace.TracerProvider | None = None,
    meter_provider: metrics.MeterProvider | None = None,
) -> None:
    """
    Report the lifespans of this process to OpenTelemetry, until ``uninstrument()``.

    - A span ``lifespan startup`` for each startup and a span ``lifespan shutdown`` for
      each shutdown, with a child for each resource: ``start db``, ``shut down db``.
      Failures are recorded as exceptions. The parent of each is the current span of
      the async code that starts or shuts down the lifespan.
    - A gauge ``lifespan.resources``: the number of resources in each phase, over all
      lifespans that run in this process.
    - A gauge ``lifespan.tasks``: the number of background tasks of each name in each
      phase, and a counter ``lifespan.task.restarts`` of their restarts.

    Spans are created when the startup or the shutdown has ended, from recorded times.
    When the last lifespan of the process has shut down, the tracer provider exports its
    spans, for at most ``LIFESPAN["CANCEL_TIMEOUT"]`` seconds. A second call does
    nothing.

    :param tracer_provider: None for the global one, which may be set later.
    :param meter_provider: None for the global one, which may be set later.
    """
    global _observer
    if _observer is not None:
        return
    tracer = trace.get_tracer(_SCOPE, tracer_provider=tracer_provider)
    meter = metrics.get_meter(_SCOPE, meter_provider=meter_provider)
    meter.create_observable_gauge(
        "lifespan.resources",
        [_count_phases],
        unit="{resource}",
        description="Resources of the running lifespans, by phase",
    )
    meter.create_observable_gauge(
        "lifespan.tasks",
        [_count_task_phases],
        unit="{task}",
        description="Background tasks of the running lifespans, by name and phase",
    )
    meter.create_observable_counter(
        "lifespan.task.restarts",
        [_count_restarts],
        unit="{restart}",
        description="Restarts of the background tasks of the running lifespans",
    )
    _observer = partial(_record, tracer, tracer_provider)
    observers.append(_observer)


def uninstrument() -> None:
    """Stop what ``instrument()`` has started."""
    global _observer
    if _observer is not None:
        observers.remove(_observer)
        _observer = None


def _statuses() -> list[ResourceStatus]:
    # OpenTelemetry has no way to remove a callback.
    lifespans = [] if _observer is None else running.lifespans()
    return [each for one in lifespans for each in one.status()]


def _count_phases(_: metrics.CallbackOptions) -> Iterable[metrics.Observation]:
    if _observer is None:
        return
    phases = Counter(each.phase for each in _statuses())
    for phase in get_args(Phase):  # with zeros, so that no old number is shown on
        yield metrics.Observation(phases[phase], {"lifespan.resource.phase": phase})


def _count_task_phases(_: metrics.CallbackOptions) -> Iterable[metrics.Observation]:
    tasks = [(each.name, each.task.phase) for each in _statuses() if each.task]
    counts = Counter(tasks)
    for name, phase in product(dict(tasks), get_args(TaskPhase)):
        attributes = {"lifespan.task.name": name, "lifespan.task.phase": phase}
        yield metrics.Observation(counts[name, phase], attributes)


def _count_restarts(_: metrics.CallbackOptions) -> Iterable[metrics.Observation]:
    restarts: Counter[str] = Counter()
    for each in _statuses():
        if each.task:
            restarts[each.name] += each.task.restarts
    for name, count in restarts.items():
        yield metrics.Observation(count, {"lifespan.task.name": name})


class _Step(NamedTuple):
    """A child span; times are in seconds since the beginning of the startup."""

    name: str
    resource: ResourceStatus
    began_after: float
    ended_after: float
    error: BaseException | None


def _record(
    tracer: trace.Tracer, provider: trace.TracerProvider | None, transition: Transition
) -> None:
    now = time_ns()

    def at(seconds: float) -> int:
        return now - round((transition.ended_after - seconds) * 1e9)

    whole = tracer.start_span(
        f"lifespan {transition.kind}", start_time=at(transition.began_after)
    )
    context = trace.set_span_in_context(whole)
    for step in _steps(transition):
        span = tracer.start_span(
            f"{step.name} {step.resource.name}",
            context,
            attributes={
                "lifespan.resource.name": step.resource.name,
                "lifespan.resource.needs": step.resource.needs,
                "lifespan.resource.optional": step.resource.optional,
                "lifespan.resource.phase": step.resource.phase,
                "code.file.path": step.resource.declared_at.file,
                "code.line.number": step.resource.declared_at.line,
            },
            start_time=at(step.began_after),
        )
        _end(span, at(step.ended_after), step.error)
    _end(whole, now, transition.error)
    if transition.kind == "shutdown" and not running.lifespans():
        _flush(provider or trace.get_tracer_provider())


def _steps(transition: Transition) -> Iterator[_Step]:
    statuses = transition.lifespan.status()
    first, last = transition.began_after, transition.ended_after
    for each in statuses if transition.kind == "startup" else ():
        begin, ended = each.began_after, _or(each.ended_after, last)
        if begin is not None and each.seconds is not None:
            yield _Step("start", each, begin, begin + each.seconds, None)
        elif begin is not None:  # it has failed, or was cancelled
            yield _Step("start", each, begin, ended, each.error)
    if transition.kind == "startup" and transition.error is None:
        return
    for each in reversed(statuses):
        if each.seconds is not None:  # it had started
            # It may have crashed before.
            ended = max(_or(each.ended_after, last), first)
            begin = _or(each.stop_began_after, ended)
            yield _Step("shut down", each, begin, ended, each.error)


def _or(seconds: float | None, default: float) -> float:
    return default if seconds is None else seconds


def _end(span: trace.Span, now: int, error: BaseException | None) -> None:
    if error is not None:
        with suppress(Exception):  # methods of a user's exception may raise
            span.record_exception(error, timestamp=now, escaped=True)
        text = f"{type(error).__name__}: {error_text(error)}"
        span.set_status(trace.Status(trace.StatusCode.ERROR, text))
    span.end(now)


def _flush(provider: trace.TracerProvider) -> None:
    # Not left to atexit: no exit functions are called in uvicorn, which ends by the
    # signal that stopped it, and in children of multiprocessing.
    flush = getattr(provider, "force_flush", None)  # the API does not have it
    if flush is not None:
        thread = Thread(target=flush, name="lifespan telemetry", daemon=True)
        with suppress(RuntimeError):  # the interpreter is ending, which calls atexit
            thread.start()
            thread.join(min(LifespanSettings.read().CANCEL_TIMEOUT, TIMEOUT_MAX))
