"""Mutations: a runtime that breaks one rule breaks a promise, too."""

from __future__ import annotations

from typing import Any

import pytest

from django_lifespan_typed._asgi import server_lifespan
from django_lifespan_typed._asgi.gate import Admission, Gate
from django_lifespan_typed._asgi.requests import RequestsInFlight
from django_lifespan_typed._runtime import run as runs
from django_lifespan_typed._runtime.health import HealthChecks
from django_lifespan_typed._runtime.resource_task import ResourceTask
from django_lifespan_typed._runtime.run import Countdown, Run
from django_lifespan_typed._tasks.supervisor import Supervisor

from . import scenario as s
from .machine import run
from .promises import check
from .scenario import Act, Fault, Hold, Job, Scenario, Spec


def nothing(*_: object, **__: object) -> None:
    """Return None."""


async def nothing_async(*_: object, **__: object) -> list[Any]:
    return []


async def admit(_: Gate, __: object) -> Admission:
    return Admission({}, RequestsInFlight())


def unchanged(_: object, error: BaseException, *__: object) -> BaseException:
    return error


def all_names(countdown: Any) -> list[str]:
    return list(countdown._left)


CHAIN = (Spec(start=Act(1.0), stop=Act(1.5)), Spec((0,), stop=Act(1.5)))
PLAIN = Scenario(CHAIN, (s.STARTUP, s.REQUEST, s.SETTLE, s.SHUTDOWN), budget=2.1)
SERVING = Scenario(CHAIN, (s.STARTUP, s.SETTLE, s.REQUEST, ("turns", 8), s.SHUTDOWN))
FAILING = Scenario((Spec(stop=Act(fault=s.Fault.RAISE)),))
CRASHING = Scenario(
    (Spec(),),
    (s.STARTUP, ("sleep", 0.5), ("crash", 0), s.SETTLE, s.SHUTDOWN),
    (s.Receiver("asgi_startup", Act(1.0)),),
)
CHECKED = Scenario(
    (Spec(health=s.Check(Act(1.5))),),
    (s.STARTUP, s.SETTLE, s.HEALTH, ("turns", 5), s.SHUTDOWN),
)
WORKING = Scenario(
    (Spec(),),
    (s.STARTUP, ("sleep", 3.0), ("lose", 0), ("sleep", 9.0), s.SHUTDOWN),
    jobs=(Job((0,), (Act(fault=Fault.HANG),), lock=Hold()),),
)

# The owner of a function, its name, its replacement, and a scenario that needs it.
MUTATIONS: dict[str, tuple[Any, str, Any, Scenario]] = {
    "nothing stops": (ResourceTask, "stop", nothing, PLAIN),
    "shutdowns have no budget": (Run, "announce_stop", nothing, PLAIN),
    "dependents never start": (Countdown, "done", lambda *_: [], PLAIN),
    "all start at once": (Countdown, "first", all_names, PLAIN),
    "crashes go unnoticed": (Run, "crash", nothing, CRASHING),
    "requests are admitted early": (Gate, "admit", admit, PLAIN),
    "requests do not end": (RequestsInFlight, "end", nothing_async, SERVING),
    "health checks do not end": (HealthChecks, "end", nothing_async, CHECKED),
    "receivers are not called": (server_lifespan, "send", nothing_async, PLAIN),
    "tasks are not stopped": (Supervisor, "stop", nothing_async, WORKING),
    "runs are not cancelled": (Supervisor, "_cancel", nothing_async, WORKING),
    "errors name no resource": (runs, "failed_stop", unchanged, FAILING),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_breaks_a_promise(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, function, replacement, scenario = MUTATIONS[name]
    check(run(scenario))

    monkeypatch.setattr(owner, function, replacement)

    with pytest.raises(AssertionError):
        check(run(scenario))
