"""Health is asked of what runs, within its limit, and told as it is."""

from __future__ import annotations

from tests.faults.outcome import Outcome
from tests.faults.probes import Moment, Probe
from tests.faults.scenario import LIMITS, Fault

from .limits import DIGIT
from .seen import is_cancelled, is_orderly


def checks_are_made_of_what_runs(outcome: Outcome) -> None:
    """Of the value of what has started, in its own context, never two at once."""
    for probe in outcome.probes:
        for check in probe.checks:
            assert probe.started is not None
            assert probe.started.number < check.began.number, f"{probe.name} too early"
            assert check.value is probe.value
            assert check.mark == "nobody's", "in the context of who asked"
            assert check.others == 0, f"two checks of {probe.name} at once"
            end = probe.stopping
            if end is None and probe.told_to_crash is not None:
                end = probe.told_to_crash if not probe.has_cleanup else None
                assert end is None or check.began.at <= end.at, f"{probe.name} is dead"
            else:
                assert end is None or check.began.number < end.number, (
                    f"{probe.name} is dead"
                )


def checks_are_over_when_the_stop_begins(outcome: Outcome) -> None:
    """None begins then, and none that can be cancelled still runs."""
    begin = _first_stop(outcome)
    if begin is None:
        return
    for probe in outcome.probes:
        for check in probe.checks:
            assert check.began.number < begin.number, f"{probe.name} too late"
            if not _is_left_alone(probe):
                assert check.ended is not None
                assert check.ended.number < begin.number, f"{probe.name} goes on"
            elif check.ended is None or check.ended.number > begin.number:
                hangs = f"check of {probe.title!r} did not finish"
                assert any(hangs in line for line in outcome.log), outcome.log
                # Cancelled again, it waits no longer.
                waited = begin.at - check.began.at >= LIMITS["CANCEL_TIMEOUT"] - DIGIT
                assert waited or is_cancelled(outcome)


def _first_stop(outcome: Outcome) -> Moment | None:
    stops = [
        probe.stopping
        for probe in outcome.probes
        if is_orderly(outcome, probe) and probe.stopping is not None
    ]
    return min(stops, key=lambda moment: moment.number, default=None)


def _is_left_alone(probe: Probe) -> bool:
    check = probe.spec.health
    return check is not None and (check.blocking or check.act.fault is Fault.STUBBORN)


def probes_cannot_overload(outcome: Outcome) -> None:
    """A check is not made again for a while, however many ask."""
    if "cancelled all" in outcome.told:
        return
    for probe in outcome.probes:
        for one, other in zip(probe.checks, probe.checks[1:], strict=False):
            assert other.began.at - one.began.at >= LIMITS["HEALTH_CACHE"] - DIGIT


def polls_are_answered_in_time(outcome: Outcome) -> None:
    """However many checks hang: each has its limit, and all are made at once."""
    for poll in outcome.polls:
        if poll.answered is None:
            assert "cancelled all" in outcome.told
            continue
        took = poll.answered.at - poll.asked.at
        assert took <= LIMITS["HEALTH_TIMEOUT"] + DIGIT, f"an answer took {took:g} s"


def verdicts_are_right(outcome: Outcome) -> None:
    """What is dead, or whose check fails, is not well; all else that runs is."""
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
                assert probe.checks, f"{record.name} was not asked"
                wanted = bad if _fails(probe) else "pass"
                assert record.verdict == wanted, (record, probe.spec.health)
                assert (record.error is None) == (wanted == "pass")
            elif record.phase == "running" and record.verdict == bad:
                # The one before it hangs still.
                assert record.error is None or _is_left_alone(probe), record


def _fails(probe: Probe) -> bool:
    check = probe.spec.health
    assert check is not None
    late = (check.act.seconds or 0) > LIMITS["HEALTH_TIMEOUT"]
    return late or check.act.fault is not Fault.NONE


PROMISES = (
    checks_are_made_of_what_runs,
    checks_are_over_when_the_stop_begins,
    probes_cannot_overload,
    polls_are_answered_in_time,
    verdicts_are_right,
)
