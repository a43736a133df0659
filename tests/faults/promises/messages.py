"""The messages of the lifespan are the protocol's, and true."""

from __future__ import annotations

import asyncio

from tests.faults.outcome import Outcome

from .seen import is_cancelled


def messages_are_in_order(outcome: Outcome) -> None:
    """Startup is answered once, then shutdown; a failure is sent and raised."""
    if outcome.scenario.late:
        assert outcome.types == []
        assert outcome.error is None or _was_cancelled(outcome.error)
        return
    types = [kind.removeprefix("lifespan.") for kind in outcome.types]
    first = outcome.received[:1]
    if first == ["lifespan.shutdown"]:
        assert types in (["shutdown.complete"], []), types
    elif first == ["lifespan.startup"]:
        assert types in (
            [],
            ["startup.failed"],
            ["startup.complete"],
            ["startup.complete", "shutdown.complete"],
            ["startup.complete", "shutdown.failed"],
        )
    else:
        assert types == []
    last = types[-1] if types else ""
    if _undisturbed(outcome):
        wanted = {"startup.failed", "shutdown.complete", "shutdown.failed"}
        assert last in wanted, types
        assert (outcome.error is None) == (last == "shutdown.complete")
    else:
        # Cancelled or broken off, it says so in the only way that is left.
        assert outcome.error is not None or last == "shutdown.complete"
    words = {"lifespan.shutdown", "broken"}
    if types and not {*outcome.received[1:]} <= words and not is_cancelled(outcome):
        assert isinstance(outcome.error, Exception)
        assert "shutdown.complete" not in types
    if outcome.error is not None:
        assert isinstance(outcome.error, Exception | asyncio.CancelledError)


def _was_cancelled(error: BaseException) -> bool:
    return isinstance(error, asyncio.CancelledError)


def _undisturbed(outcome: Outcome) -> bool:
    odd = {"cancelled", "cancelled all", "broken"} & outcome.told.keys()
    words = outcome.received in (
        ["lifespan.startup"],
        ["lifespan.startup", "lifespan.shutdown"],
        ["lifespan.shutdown"],
    )
    return words and not odd


def nothing_is_open_when_it_says_so(outcome: Outcome) -> None:
    """Whoever sends that it failed, or is over, has closed; at complete all run."""
    for kind, probes, at in zip(
        outcome.types, outcome.open_at_sent, outcome.sent_at, strict=True
    ):
        names = {probe.name for probe in probes} - outcome.given_up
        if kind != "lifespan.startup.complete":
            assert names == set(), f"{kind} while {names} are open"
            continue
        state = outcome.state_at_complete or {}
        for probe in outcome.probes:
            if not probe.optional and probe.closing is not None:
                assert at.at <= probe.closing.at, f"{probe.name} is dead"
            if not probe.optional and not probe.told_to_crash:
                assert probe.opened, f"{probe.name} never opened"
                assert probe.started, f"{probe.name} has not started"
                assert probe.started.number < at.number, probe.name
                if probe.stopping is not None:
                    assert at.number < probe.stopping.number, probe.name
            if outcome.scenario.has_state and probe.name in state:
                assert state[probe.name] is probe.value
            elif outcome.scenario.has_state:
                assert probe.optional or cleared(outcome), probe.name


def cleared(outcome: Outcome) -> bool:
    return any(what == "clear state" for what, _ in outcome.scenario.steps)


PROMISES = (
    messages_are_in_order,
    nothing_is_open_when_it_says_so,
)
