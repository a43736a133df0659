"""Health checks are made of running resources, within limits, and are true."""

from __future__ import annotations

from tests.faults.outcome import Outcome
from tests.faults.probes import Probe
from tests.faults.scenario import LIMITS, Fault

from .limits import DIGIT
from .relations import first_stop


def checks_are_made_of_running_resources(outcome: Outcome) -> None:
    """Each check has the value, a context of its own, and no concurrent twin."""
    for probe in outcome.probes:
        for check in probe.checks:
            assert probe.started is not None
            assert probe.started.number < check.began.number, f"{probe.name} too early"
            assert check.value is probe.value
            assert check.mark == "unset", "in the context of the caller"
            assert check.others == 0, f"two concurrent checks of {probe.name}"
            if probe.stopping is not None:
                assert check.began.number < probe.stopping.number, probe.name
            elif probe.crashed_at is not None and not probe.has_cleanup:
                assert check.began.at <= probe.crashed_at.at, probe.name


def checks_end_before_the_shutdown(outcome: Outcome) -> None:
    """None begins afterwards, and none that can be cancelled is still running."""
    begin = first_stop(outcome)
    if begin is None:
        return
    for probe in outcome.probes:
        for check in probe.checks:
            assert check.began.number < begin.number, f"{probe.name} too late"
            if not probe.check_ignores_limits:
                assert check.ended is not None
                assert check.ended.number < begin.number, f"{probe.name} continues"
            elif check.ended is None or check.ended.number > begin.number:
                words = f"check of {probe.title!r} did not finish"
                assert outcome.is_logged(words), outcome.log
                # A second cancellation ends the wait.
                waited = begin.at - check.began.at >= LIMITS["CANCEL_TIMEOUT"] - DIGIT
                assert waited or outcome.is_cancelled


def calls_cannot_overload(outcome: Outcome) -> None:
    """A check is not repeated within ``HEALTH_CACHE`` seconds."""
    if "cancelled all" in outcome.end_requests:
        return
    for probe in outcome.probes:
        for one, other in zip(probe.checks, probe.checks[1:], strict=False):
            assert other.began.at - one.began.at >= LIMITS["HEALTH_CACHE"] - DIGIT


def calls_are_answered_in_time(outcome: Outcome) -> None:
    for poll in outcome.polls:
        if poll.answered is None:
            assert "cancelled all" in outcome.end_requests
            continue
        took = poll.answered.at - poll.asked.at
        assert took <= LIMITS["HEALTH_TIMEOUT"] + DIGIT, f"an answer took {took:g} s"


def verdicts_are_right(outcome: Outcome) -> None:
    """Dead resources and failing checks are reported; all else that runs passes."""
    by_title = {probe.title: probe for probe in outcome.probes}
    for poll in outcome.polls:
        for record in poll.records or ():
            probe = by_title[record.name]
            assert record.optional == probe.optional
            bad = "warn" if record.optional else "fail"
            assert record.verdict in {"pass", bad}
            if record.name in poll.dead:
                assert record.verdict == bad, f"{record.name} is dead"
            elif probe.started is None:
                assert record.verdict == bad, f"{record.name} has not started"
            elif record.seconds is not None:
                assert probe.checks, f"{record.name} was not checked"
                wanted = bad if _fails(probe) else "pass"
                assert record.verdict == wanted, (record, probe.spec.health)
                assert (record.error is None) == (wanted == "pass")
            elif record.phase == "running" and record.verdict == bad:
                # The previous check is still running.
                assert record.error is None or probe.check_ignores_limits, record


def _fails(probe: Probe) -> bool:
    check = probe.spec.health
    assert check is not None
    late = (check.act.seconds or 0) > LIMITS["HEALTH_TIMEOUT"]
    return late or check.act.fault is not Fault.NONE


PROMISES = (
    checks_are_made_of_running_resources,
    checks_end_before_the_shutdown,
    calls_cannot_overload,
    calls_are_answered_in_time,
    verdicts_are_right,
)
