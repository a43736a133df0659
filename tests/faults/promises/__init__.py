"""What must hold of every run, whatever went wrong in it."""

from __future__ import annotations

from tests.faults.outcome import Outcome

from . import (
    closing,
    crashes,
    culprits,
    health,
    leftovers,
    limits,
    messages,
    order,
    requests,
    signals,
)

CONCERNS = (
    closing,
    order,
    limits,
    leftovers,
    messages,
    culprits,
    signals,
    requests,
    crashes,
    health,
)


def check(outcome: Outcome) -> None:
    """Every promise; the first that is broken says which resource broke it."""
    for concern in CONCERNS:
        for promise in concern.PROMISES:
            promise(outcome)
