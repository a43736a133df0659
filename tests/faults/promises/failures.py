"""A failure names the resources that caused it, and no others."""

from __future__ import annotations

import asyncio
import re

from tests.faults.outcome import Outcome
from tests.faults.probes import Probe
from tests.faults.scenario import Fault, Shape

from .jobs import may_be_late
from .relations import opened

NAMED = re.compile(r"lifespan resource '(?:manager faults\.)?(r\d+)'")
LATE_TASK = re.compile(r"lifespan resource '(t\d+)'")

FAILS_TO_START = {*Fault} - {Fault.NONE, Fault.YIELD_TWICE, Fault.FALSE}
FAILS_TO_STOP = {*Fault} - {
    Fault.NONE,
    Fault.WRONG_TYPE,
    Fault.NEVER_YIELD,
    Fault.FALSE,
}


def failed_startups_name_a_cause(outcome: Outcome) -> None:
    if _last(outcome) != "lifespan.startup.failed":
        return
    text = _text(outcome, "start")
    named = set(NAMED.findall(text))
    may = {
        probe.name
        for probe in opened(outcome)
        if (probe.reached and probe.spec.start.fault in FAILS_TO_START)
        or probe.crashed_at
        or "start" in probe.cancelled_acts
        or not probe.reached  # it ignores cancellation
        or (probe.spec.start.seconds or 0) > probe.start_limit
    }
    receivers = bool(outcome.raised_by_receivers)
    is_loop_cancelled = "cancelled all" in outcome.end_requests
    assert named <= may or is_loop_cancelled, (named, may, text)
    assert named or receivers, text
    if not receivers and not isinstance(outcome.error, asyncio.CancelledError):
        assert not {p.name for p in outcome.probes if p.optional} & named


def failed_shutdowns_name_all_causes(outcome: Outcome) -> None:
    if _last(outcome) != "lifespan.shutdown.failed":
        return
    text = _text(outcome, "stop")
    named = set(NAMED.findall(text))
    must = {
        probe.name
        for probe in opened(outcome)
        if outcome.held(probe)
        and probe.stopping
        and not probe.crashed_at
        and (probe.spec.stop.fault in FAILS_TO_STOP or _is_late(probe))
    }
    may = {
        probe.name
        for probe in outcome.probes
        if probe.crashed_at or "stop" in probe.cancelled_acts or _may_be_late(probe)
    }
    assert must <= named, (named, must, text)
    assert named <= must | may, (named, must, text)
    late = set(LATE_TASK.findall(text))
    assert late <= {job.name for job in outcome.jobs if may_be_late(job)}, text
    assert named or late or "asgi_shutdown" in outcome.raised_by_receivers


def _is_late(probe: Probe) -> bool:
    if probe.spec.shape is Shape.BLOCKING:
        return (probe.spec.stop.seconds or 0) > probe.stop_limit
    return "stop" in probe.cancelled_acts


def _may_be_late(probe: Probe) -> bool:
    # A thread is not interrupted when the rest of the budget was less.
    return probe.spec.shape is Shape.BLOCKING and bool(probe.spec.stop.seconds)


def complete_shutdowns_had_no_error(outcome: Outcome) -> None:
    if _last(outcome) == "lifespan.shutdown.complete" and outcome.ready:
        for probe in opened(outcome):
            if probe.stopping and not probe.crashed_at and not probe.optional:
                assert probe.spec.stop.fault not in FAILS_TO_STOP, probe.name
                assert "stop" not in probe.cancelled_acts, probe.name
        assert "asgi_shutdown" not in outcome.raised_by_receivers


def _last(outcome: Outcome) -> str:
    """Return the last message; in a late start, its equivalent in the log."""
    if not outcome.scenario.late:
        return outcome.types[-1] if outcome.sent else ""
    if _logged(outcome, "start"):
        return "lifespan.startup.failed"
    if _logged(outcome, "stop"):
        return "lifespan.shutdown.failed"
    return "" if outcome.error else "lifespan.shutdown.complete"


def _logged(outcome: Outcome, word: str) -> str:
    """Return what the log of a late start has about a failed startup or shutdown."""
    if word == "start":
        return "\n".join(
            text
            for message, text in outcome.errors_in_log.items()
            if message.startswith("the lifespan failed to start")
        )
    lines = [line for line in outcome.log if "asgi_shutdown failed: " in line]
    return "\n".join(
        lines
        + [
            text
            for message, text in outcome.errors_in_log.items()
            if message.endswith(" failed to stop")
        ]
    )


def _text(outcome: Outcome, word: str) -> str:
    if outcome.scenario.late:
        return _logged(outcome, word)
    return str(outcome.sent[-1].get("message", ""))


PROMISES = (
    failed_startups_name_a_cause,
    failed_shutdowns_name_all_causes,
    complete_shutdowns_had_no_error,
)
