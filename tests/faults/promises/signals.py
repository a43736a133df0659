"""Django's signals are paired, and in order."""

from __future__ import annotations

from tests.faults.outcome import Outcome

from .seen import is_cancelled


def signals_are_paired(outcome: Outcome) -> None:
    """Each at most once, in order; no asgi_startup without an asgi_shutdown."""
    names = [name for name, _, _ in outcome.signals]
    assert names in (
        [],
        ["asgi_lifespan"],
        ["asgi_lifespan", "asgi_startup", "asgi_shutdown"],
        # Cancelled before the receivers were called.
        *([["asgi_lifespan", "asgi_shutdown"]] if is_cancelled(outcome) else []),
    ), names
    for name, moment, state in outcome.signals:
        for probe in outcome.probes:
            if name == "asgi_startup" and not probe.optional:
                assert probe.started, probe.name
                assert probe.started.number < moment.number, probe.name
                assert state[probe.name] is probe.value
            if name == "asgi_shutdown" and outcome.held(probe) and probe.stopping:
                if probe.told_to_crash:
                    continue
                assert moment.number < probe.stopping.number, probe.name
                assert state[probe.name] is probe.value


PROMISES = (signals_are_paired,)
