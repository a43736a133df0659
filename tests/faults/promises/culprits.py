"""Who failed is named."""

from __future__ import annotations

import asyncio
import re

from tests.faults.outcome import Outcome
from tests.faults.probes import Probe
from tests.faults.scenario import Shape

from .seen import FAILS_TO_START, FAILS_TO_STOP, opened

CULPRIT = re.compile(r"lifespan resource '(?:manager faults\.)?(r\d+)'")


def failures_name_the_culprit(outcome: Outcome) -> None:
    """A failed start names one that failed; a failed stop names all of them."""
    named = set(CULPRIT.findall(_said(outcome)))
    cancelled = "cancelled all" in outcome.told
    if _last(outcome) == "lifespan.startup.failed":
        may = {
            probe.name
            for probe in opened(outcome)
            if (probe.reached and probe.spec.start.fault in FAILS_TO_START)
            or probe.told_to_crash
            or "start" in probe.cut
            or not probe.reached  # it hangs, whoever cancels
            or (probe.spec.start.seconds or 0) > probe.start_limit
        }
        receivers = bool(outcome.raised_by_receivers)
        assert named <= may or cancelled, (named, may, _said(outcome))
        assert named or receivers, _said(outcome)
        if not receivers and not isinstance(outcome.error, asyncio.CancelledError):
            assert not {p.name for p in outcome.probes if p.optional} & named
    if _last(outcome) == "lifespan.shutdown.failed":
        must = {
            probe.name
            for probe in opened(outcome)
            if outcome.held(probe)
            and probe.stopping
            and not probe.told_to_crash
            and (probe.spec.stop.fault in FAILS_TO_STOP or _is_late(probe))
        }
        maybe = {p.name for p in outcome.probes if p.told_to_crash} | {
            p.name for p in outcome.probes if "stop" in p.cut or _may_be_late(p)
        }
        assert must <= named, (named, must, _said(outcome))
        assert named <= must | maybe, (named, must, _said(outcome))
        assert named or "asgi_shutdown" in outcome.raised_by_receivers


def _is_late(probe: Probe) -> bool:
    if probe.spec.shape is Shape.BLOCKING:
        return (probe.spec.stop.seconds or 0) > probe.stop_limit
    return "stop" in probe.cut


def _may_be_late(probe: Probe) -> bool:
    # A thread does not notice that what is left of the budget was less.
    return probe.spec.shape is Shape.BLOCKING and bool(probe.spec.stop.seconds)


def a_stop_without_errors_says_so(outcome: Outcome) -> None:
    """Nothing that failed to close is passed over in silence."""
    if _last(outcome) == "lifespan.shutdown.complete" and outcome.ready:
        for probe in opened(outcome):
            if probe.stopping and not probe.told_to_crash and not probe.optional:
                assert probe.spec.stop.fault not in FAILS_TO_STOP, probe.name
                assert "stop" not in probe.cut, probe.name
        assert "asgi_shutdown" not in outcome.raised_by_receivers


def _last(outcome: Outcome) -> str:
    """The last message; where there is no server, what the log says instead."""
    if outcome.scenario.late:
        for what, word in (("stop", "shutdown"), ("start", "startup")):
            if f"the lifespan failed to {what}" in outcome.raised_to_log:
                return f"lifespan.{word}.failed"
        return "" if outcome.error else "lifespan.shutdown.complete"
    return outcome.types[-1] if outcome.sent else ""


def _said(outcome: Outcome) -> str:
    if outcome.scenario.late:
        what = "stop" if "shutdown" in _last(outcome) else "start"
        return outcome.raised_to_log.get(f"the lifespan failed to {what}", "")
    return str(outcome.sent[-1].get("message", "")) if outcome.sent else ""


PROMISES = (
    failures_name_the_culprit,
    a_stop_without_errors_says_so,
)
