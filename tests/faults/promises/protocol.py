"""The messages, signals and responses of a lifespan are in order."""

from __future__ import annotations

import asyncio

from tests.faults.outcome import Outcome

from .relations import first_stop, is_orderly

MESSAGES = {
    "lifespan.shutdown": [[], ["shutdown.complete"]],
    "lifespan.startup": [
        [],
        ["startup.failed"],
        ["startup.complete"],
        ["startup.complete", "shutdown.complete"],
        ["startup.complete", "shutdown.failed"],
    ],
}
"""The possible answers by the first message."""


def messages_are_in_order(outcome: Outcome) -> None:
    """Startup is answered once, then shutdown; a failure is sent and raised."""
    error = outcome.error
    if outcome.scenario.late:
        assert outcome.types == []
        assert error is None or isinstance(error, asyncio.CancelledError)
        return
    types = [kind.removeprefix("lifespan.") for kind in outcome.types]
    first = outcome.received[0] if outcome.received else ""
    assert types in MESSAGES.get(first, [[]]), types
    last = types[-1] if types else ""
    if _is_undisturbed(outcome):
        assert last in {"startup.failed", "shutdown.complete", "shutdown.failed"}
        assert (error is None) == (last == "shutdown.complete")
    else:
        # After a cancellation or a broken connection, an exception is all it has.
        assert error is not None or last == "shutdown.complete"
    words = {"lifespan.shutdown", "broken"}
    is_odd = not {*outcome.received[1:]} <= words
    if types and is_odd and not outcome.is_cancelled:
        assert isinstance(error, Exception)
        assert "shutdown.complete" not in types
    if error is not None:
        assert isinstance(error, Exception | asyncio.CancelledError)


def _is_undisturbed(outcome: Outcome) -> bool:
    words = outcome.received in (
        ["lifespan.startup"],
        ["lifespan.startup", "lifespan.shutdown"],
        ["lifespan.shutdown"],
    )
    is_broken = "broken" in outcome.end_requests
    return words and not is_broken and not outcome.is_cancelled


def messages_are_true(outcome: Outcome) -> None:
    """Everything runs when the startup is complete; nothing is open at the end."""
    for kind, probes, at in zip(
        outcome.types, outcome.open_at_sent, outcome.sent_at, strict=True
    ):
        names = {probe.name for probe in probes} - outcome.abandoned
        if kind != "lifespan.startup.complete":
            assert names == set(), f"{kind} while {names} are open"
            continue
        state = outcome.state_at_complete or {}
        for probe in outcome.probes:
            if not probe.optional and probe.closing is not None:
                assert at.at <= probe.closing.at, f"{probe.name} is dead"
            if not probe.optional and not probe.crashed_at:
                assert probe.opened, f"{probe.name} never opened"
                assert probe.started, f"{probe.name} has not started"
                assert probe.started.number < at.number, probe.name
                if probe.stopping is not None:
                    assert at.number < probe.stopping.number, probe.name
            if outcome.scenario.has_state and probe.name in state:
                assert state[probe.name] is probe.value
            elif outcome.scenario.has_state:
                assert probe.optional or _is_cleared(outcome), probe.name


def _is_cleared(outcome: Outcome) -> bool:
    return any(what == "clear state" for what, _ in outcome.scenario.steps)


def signals_are_paired(outcome: Outcome) -> None:
    """Each is sent at most once, in order; asgi_shutdown follows asgi_startup."""
    names = [name for name, _, _ in outcome.signals]
    # A loop cancels all of its tasks just before the receivers of asgi_shutdown are
    # called, so the shutdown has begun already.
    has_ended_twice = outcome.cancellations > 1 or len(outcome.end_requests) > 1
    may_miss = "cancelled all" in outcome.end_requests and has_ended_twice
    assert names in (
        [],
        ["asgi_lifespan"],
        ["asgi_lifespan", "asgi_startup", "asgi_shutdown"],
        *([["asgi_lifespan", "asgi_startup"]] if may_miss else []),
        # Cancelled before the receivers of asgi_startup were called.
        *([["asgi_lifespan", "asgi_shutdown"]] if outcome.is_cancelled else []),
    ), names
    assert not outcome.ready or may_miss or "asgi_shutdown" in names
    for name, moment, state in outcome.signals:
        for probe in outcome.probes:
            if name == "asgi_startup" and not probe.optional:
                assert probe.started, probe.name
                assert probe.started.number < moment.number, probe.name
                assert state[probe.name] is probe.value
            if name == "asgi_shutdown" and is_orderly(outcome, probe):
                assert probe.stopping is not None
                assert moment.number < probe.stopping.number, probe.name
                assert state[probe.name] is probe.value


def requests_are_served_while_it_runs(outcome: Outcome) -> None:
    """Django reads no request before the end of the startup or after the shutdown."""
    startup = [at for name, at, _ in outcome.signals if name == "asgi_startup"]
    shutdown = [at for name, at, _ in outcome.signals if name == "asgi_shutdown"]
    end = min(outcome.end_requests.values(), key=lambda at: at.number, default=None)
    ready = outcome.ready
    for request in outcome.requests:
        admitted = request.admitted
        if admitted is not None:
            assert startup, "served half-started"
            assert startup[0].number < admitted.number, "served too early"
            for at in shutdown:
                assert admitted.number < at.number, "served too late"
            for probe in outcome.probes:
                if not probe.optional:
                    assert probe.started
                    assert probe.started.number < admitted.number
        elif not request.cancelled:
            assert request.status == 503
        # A request that waits for the startup is admitted at its end.
        if ready and end and ready.at < end.at and request.asked.number < end.number:
            is_cancelled = request.status is None and request.cancelled
            assert request.status == 200 or is_cancelled, request
        if request.status == 200 and not _is_cleared(outcome):
            named = set(request.body.decode().split())
            assert named >= {p.name for p in outcome.probes if not p.optional}


def requests_end_before_the_resources_stop(outcome: Outcome) -> None:
    begin = first_stop(outcome)
    for request in outcome.requests:
        if begin is not None and request.admitted is not None:
            assert request.ended is not None
            assert request.ended.number < begin.number, request


def requests_are_refused_afterwards(outcome: Outcome) -> None:
    assert outcome.status_afterwards in {None, 503}


PROMISES = (
    messages_are_in_order,
    messages_are_true,
    signals_are_paired,
    requests_are_served_while_it_runs,
    requests_end_before_the_resources_stop,
    requests_are_refused_afterwards,
)
