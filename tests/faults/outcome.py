"""Outcome: the observations of one run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django_lifespan_typed._runtime.health import ResourceHealth

from .jobs import JobProbe
from .probes import Moment, Probe
from .scenario import Scenario, Shape


@dataclass
class Request:
    """One request and its response."""

    asked: Moment
    status: int | None = None
    body: bytes = b""
    admitted: Moment | None = None
    """When Django began to read it."""
    ended: Moment | None = None
    cancelled: bool = False


@dataclass
class Poll:
    """One call of ``Lifespan.health()``."""

    asked: Moment
    answered: Moment | None = None
    records: tuple[ResourceHealth, ...] | None = None
    """None if the lifespan had ended."""
    dead: set[str] = field(default_factory=set)
    """The resources that had crashed before it was answered."""


@dataclass
class Outcome:
    """The observations of one run, all made from outside of the runtime."""

    scenario: Scenario
    probes: list[Probe]
    jobs: list[JobProbe] = field(default_factory=list)
    began: Moment | None = None
    """When the application received the first message."""
    ready: Moment | None = None
    """When the lifespan reported that its startup was complete."""
    ended: Moment | None = None
    error: BaseException | None = None
    """The exception that the application raised."""
    received: list[str] = field(default_factory=list)
    """The messages that the application received, and ``broken``."""
    sent: list[dict[str, Any]] = field(default_factory=list)
    sent_at: list[Moment] = field(default_factory=list)
    open_at_sent: list[list[Probe]] = field(default_factory=list)
    """The resources that were open when each message was sent."""
    state_at_complete: dict[str, Any] | None = None
    end_requests: dict[str, Moment] = field(default_factory=dict)
    """The first moment of each way in which the server ended the lifespan."""
    cancellations: int = 0
    signals: list[tuple[str, Moment, dict[str, Any]]] = field(default_factory=list)
    raised_by_receivers: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    polls: list[Poll] = field(default_factory=list)
    status_afterwards: int | None = None
    """The status of a request after the end."""
    left_open: list[Probe] = field(default_factory=list)
    """The resources that were open when the lifespan had ended."""
    jobs_left: list[str] = field(default_factory=list)
    """The background tasks that ran or held a lock when the lifespan had ended."""
    tasks_left: list[str] = field(default_factory=list)
    threads_left: list[str] = field(default_factory=list)
    loops_left: int = 0
    serving_left: int = 0
    closes_left: int = 0
    """The number of callbacks left to run at exit."""
    problems: list[dict[str, Any]] = field(default_factory=list)
    unraisable: list[str] = field(default_factory=list)
    """Exceptions that nobody could catch."""
    log: list[str] = field(default_factory=list)
    errors_in_log: dict[str, str] = field(default_factory=dict)
    """The text of logged exceptions, by log message."""

    @property
    def types(self) -> list[str]:
        return [message["type"] for message in self.sent]

    @property
    def is_cancelled(self) -> bool:
        return bool({"cancelled", "cancelled all"} & self.end_requests.keys())

    @property
    def abandoned(self) -> set[str]:
        """The resources that ignored a cancellation, and those that may have."""
        return {
            probe.name
            for probe in self.probes
            if self.is_logged(f"{probe.title!r} did not finish after cancellation")
            or (probe.spec.shape is Shape.BLOCKING and not self._is_prompt(probe))
        }

    @property
    def abandoned_jobs(self) -> set[str]:
        """The background tasks that ignored a cancellation."""
        return {
            job.name
            for job in self.jobs
            if self.is_logged(f"{job.name!r} did not finish after cancellation")
        }

    def _is_prompt(self, probe: Probe) -> bool:
        if self.cancellations > 1 and "cancelled all" in self.end_requests:
            return False  # the second cancellation abandons a thread
        if self.held(probe):
            # Even a short shutdown is late if the budget was spent.
            late = self.is_logged(f"{probe.title!r} failed to stop")
            return not (late and probe.spec.stop.seconds)
        quick = min(3.0, probe.stop_limit, self.scenario.budget)
        return (probe.spec.start.seconds or 0) + (probe.spec.stop.seconds or 0) < quick

    def held(self, probe: Probe) -> bool:
        """Whether the lifespan has logged that *probe* started."""
        return self.is_logged(f"started {probe.title!r} in")

    def is_logged(self, words: str) -> bool:
        return any(words in line for line in self.log)
