"""Background tasks that act as their jobs say, and record their runs and locks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from typing_extensions import override

from django_lifespan_typed import Registry, StateKey, lifespan_task
from django_lifespan_typed.locks import Lock, UntilLost

from .probes import MARK, Diary, Moment, Probe, Value
from .scenario import MANAGERS, Fault, Hold, Job

BACKOFF: Final = (1.0, 4.0)
ELSEWHERE: Final = 7.0
"""Virtual seconds for which another process holds a lock that it took."""


@dataclass
class Ran:
    """One run of a task."""

    began: Moment
    given: tuple[object, ...]
    mark: str
    """The mark of its context."""
    cancelled: Moment | None = None
    failed: bool = False
    ended: Moment | None = None


@dataclass
class Tenure:
    """One time for which a task held its lock."""

    acquired: Moment
    lost: Moment | None = None
    released: Moment | None = None


class JobProbe:
    """One background task, and the record of its runs and its lock."""

    def __init__(
        self, number: int, job: Job, probes: list[Probe], diary: Diary
    ) -> None:
        self.name = f"t{number}"
        self.job = job
        resources = [each for each in probes if each.spec.shape not in MANAGERS]
        numbers = dict.fromkeys(
            number % len(resources) for number in job.needs if resources
        )
        self.needs = [resources[number] for number in numbers]
        self.runs: list[Ran] = []
        self.tenures: list[Tenure] = []
        self.connections = 0
        """The number of the lock's connections that are open."""
        self.diary = diary
        self.lost = asyncio.Event()
        self.free_at = 0.0
        """When another process releases the lock."""

    def register(self, registry: Registry) -> None:
        job = self.job
        options: dict[str, Any] = {"restart": job.restart, "backoff": BACKOFF}
        if job.every is not None:
            options = {"every": job.every}
        declare: Any = lifespan_task(
            self.name,
            needs=tuple(StateKey[Value](need.name) for need in self.needs),
            exclusive=None if job.lock is None else JobLock(self, job.lock),
            optional=True,
            registry=registry,
            **options,
        )

        async def function(*values: object) -> None:
            await self._run(values)

        declare(function)

    @property
    def is_open(self) -> bool:
        """Whether a run is in progress, or its lock is held."""
        return bool(self.connections) or any(ran.ended is None for ran in self.runs)

    def lose(self) -> bool:
        """Let another process have the lock; returns whether it was held."""
        if not self.tenures or self.tenures[-1].released or self.tenures[-1].lost:
            return False
        moment = self.tenures[-1].lost = self.diary.now()
        self.free_at = moment.at + ELSEWHERE
        self.lost.set()
        return True

    async def _run(self, values: tuple[object, ...]) -> None:
        ran = Ran(self.diary.now(), values, MARK.get())
        MARK.set(self.name)
        self.runs.append(ran)
        label = f"run of {self.name}"
        act = self.job.runs[min(len(self.runs), len(self.job.runs)) - 1]
        try:
            await self.diary.act(act, label)
        except asyncio.CancelledError:
            ran.failed = True
            if act.fault not in {Fault.CANCELLED, Fault.CANCEL_ITSELF}:
                ran.cancelled = self.diary.now()
                await self.diary.act(self.job.clean_up, label)
            raise
        except BaseException:
            ran.failed = True
            raise
        finally:
            ran.ended = self.diary.now()


class JobLock(Lock):
    """A lock that another process may take."""

    def __init__(self, probe: JobProbe, spec: Hold) -> None:
        self.probe = probe
        self.spec = spec

    @override
    @asynccontextmanager
    async def hold(self, name: str, *needs: Any) -> AsyncGenerator[UntilLost | None]:
        probe, diary = self.probe, self.probe.diary
        probe.connections += 1
        try:
            await diary.act(self.spec.acquire, f"acquisition of {name}")
            if diary.now().at < probe.free_at:
                yield None
                return
            tenure = Tenure(diary.now())
            probe.tenures.append(tenure)
            probe.lost.clear()
            try:
                yield probe.lost.wait
            finally:
                try:
                    await diary.act(self.spec.release, f"release of {name}")
                finally:
                    tenure.released = diary.now()
        finally:
            probe.connections -= 1
