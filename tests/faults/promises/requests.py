"""Requests are served while all runs."""

from __future__ import annotations

from tests.faults.outcome import Outcome

from .messages import cleared


def requests_are_served_while_it_runs(outcome: Outcome) -> None:
    """Django reads no request before the start is over or after the end has begun."""
    startup = [at for name, at, _ in outcome.signals if name == "asgi_startup"]
    shutdown = [at for name, at, _ in outcome.signals if name == "asgi_shutdown"]
    for request in outcome.requests:
        if request.admitted is not None:
            assert startup, "served half-started"
            assert startup[0].number < request.admitted.number, "served too early"
            assert all(request.admitted.number < at.number for at in shutdown), (
                "served too late"
            )
            for probe in outcome.probes:
                if not probe.optional:
                    assert probe.started
                    assert probe.started.number < request.admitted.number
        elif not request.cancelled:
            assert request.status == 503
        told = min((at.number for at in outcome.told.values()), default=0)
        end = min((at.at for at in outcome.told.values()), default=0)
        ready = outcome.ready
        # One that waits for the start is let in when it is over.
        if ready and max(ready.number, request.asked.number) < told and ready.at < end:
            assert request.status in {200, None}, request
            if request.status is None:
                assert request.cancelled
        if request.status == 200 and not cleared(outcome):
            named = set(request.body.decode().split())
            assert named >= {p.name for p in outcome.probes if not p.optional}


def nothing_is_served_afterwards(outcome: Outcome) -> None:
    """Whoever comes when all is over is turned away, and starts nothing."""
    assert outcome.afterwards in {None, 503}


PROMISES = (
    requests_are_served_while_it_runs,
    nothing_is_served_afterwards,
)
