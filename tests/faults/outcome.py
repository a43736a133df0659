"""What is seen of one run, from outside."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django_lifespan_typed._runtime.health import ResourceHealth

from .probes import Moment, Probe
from .scenario import Scenario, Shape


@dataclass
class Request:
    """One request, and what was there when Django began to read it."""

    index: int
    asked: Moment
    status: int | None = None
    body: bytes = b""
    admitted: Moment | None = None
    cancelled: bool = False


@dataclass
class Poll:
    """One question for the health of all."""

    asked: Moment
    answered: Moment | None = None
    cancelled: bool = False
    records: tuple[ResourceHealth, ...] | None = None
    """None where the lifespan had ended."""
    dead: set[str] = field(default_factory=set)
    """Who had crashed when it was answered."""
    ended: set[str] = field(default_factory=set)
    """Who had begun to stop."""


@dataclass
class Outcome:
    """All that was seen of one run, from outside."""

    scenario: Scenario
    probes: list[Probe]
    ready: Moment | None = None
    """When it said that it runs."""
    sent: list[dict[str, Any]] = field(default_factory=list)
    sent_at: list[Moment] = field(default_factory=list)
    open_at_sent: list[list[Probe]] = field(default_factory=list)
    """What was open when each message was sent."""
    left_open: list[Probe] = field(default_factory=list)
    """What was open when the lifespan was over."""
    state_at_complete: dict[str, Any] | None = None
    received: list[str] = field(default_factory=list)
    """The messages that the application took, and ``broken``."""
    told: dict[str, Moment] = field(default_factory=dict)
    """When it was first told to end: cancelled, shut down, broken."""
    cancellations: int = 0
    signals: list[tuple[str, Moment, dict[str, Any]]] = field(default_factory=list)
    raised_by_receivers: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    polls: list[Poll] = field(default_factory=list)
    afterwards: int | None = None
    """The status of a request when all was over."""
    error: BaseException | None = None
    began: Moment | None = None
    """When it was told to start."""
    ended: Moment | None = None
    tasks_left: list[str] = field(default_factory=list)
    threads_left: list[str] = field(default_factory=list)
    loops_left: int = 0
    serving_left: int = 0
    problems: list[dict[str, Any]] = field(default_factory=list)
    unraisable: list[str] = field(default_factory=list)
    """What was raised where nobody could catch it."""
    closes_left: int = 0
    """How much was left to be closed at exit."""
    log: list[str] = field(default_factory=list)
    raised_to_log: dict[str, str] = field(default_factory=dict)
    """By message, what errors that were logged say."""

    @property
    def given_up(self) -> set[str]:
        """Who was not waited for: it ignores that it is cancelled, or is a thread."""
        return {
            probe.name
            for probe in self.probes
            for line in self.log
            if f"{probe.title!r} did not finish after cancellation" in line
        } | {
            probe.name
            for probe in self.probes
            if probe.spec.shape is Shape.BLOCKING and not self._is_prompt(probe)
        }

    def _is_prompt(self, probe: Probe) -> bool:
        if self.cancellations > 1 and "cancelled all" in self.told:
            return False  # the second leaves a thread alone
        if self.held(probe):
            # It may be late although it is quick, where the budget was spent.
            late = any(f"{probe.title!r} failed to stop" in line for line in self.log)
            return not (late and probe.spec.stop.seconds)
        quick = min(3.0, probe.stop_limit, self.scenario.budget)
        return (probe.spec.start.seconds or 0) + (probe.spec.stop.seconds or 0) < quick

    def held(self, probe: Probe) -> bool:
        """Whether the lifespan had it running, by its own account."""
        return any(f"started {probe.title!r} in" in line for line in self.log)

    @property
    def types(self) -> list[str]:
        return [message["type"] for message in self.sent]
