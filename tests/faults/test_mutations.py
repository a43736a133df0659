"""Mutations: a runtime that breaks one rule breaks a promise, too."""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator
from typing import Any, NamedTuple

import pytest

from django_lifespan_typed._asgi import signalled
from django_lifespan_typed._asgi.gate import Gate
from django_lifespan_typed._asgi.requests import RequestsInFlight
from django_lifespan_typed._runtime import run as run_module
from django_lifespan_typed._runtime.current import RunningLifespans
from django_lifespan_typed._runtime.health import HealthChecks
from django_lifespan_typed._runtime.resource_task import ResourceTask
from django_lifespan_typed._runtime.run import Countdown, Run

from .machine import run
from .promises import check
from .scenario import (
    HEALTH,
    REQUEST,
    SETTLE,
    SHUTDOWN,
    STARTUP,
    Act,
    Check,
    Fault,
    Receiver,
    Scenario,
    Spec,
)

CHAIN = (Spec(start=Act(1.0), stop=Act(1.0)), Spec((0,), stop=Act(1.0)))


class Mutation(NamedTuple):
    """A replacement of one function, and a scenario that needs the original."""

    owner: Any
    name: str
    replacement: Callable[..., Any]
    scenario: Scenario


def nothing(*_: object, **__: object) -> None:
    """Return None."""


async def nothing_async(*_: object, **__: object) -> list[Any]:
    return []


async def admit(_: Gate) -> dict[str, object]:
    return {}


def original_error(_: object, error: BaseException, *__: object) -> BaseException:
    return error


def all_names(countdown: Any) -> list[str]:
    return list(countdown._left)


HANGING = Scenario(
    (Spec(stop=Act(3.0)), Spec((0,), stop=Act(3.0))),
    budget=2.1,
)
MUTATIONS = {
    "resources do not stop": Mutation(ResourceTask, "stop", nothing, Scenario(CHAIN)),
    "shutdowns have no budget": Mutation(Run, "expect_stop", nothing, HANGING),
    "dependents never start": Mutation(
        Countdown, "done", lambda *_: [], Scenario(CHAIN)
    ),
    "all stop at once": Mutation(Countdown, "first", all_names, Scenario(CHAIN)),
    "crashes go unnoticed": Mutation(
        Run,
        "crash",
        nothing,
        Scenario(
            (Spec(),),
            (STARTUP, ("sleep", 0.5), ("crash", 0), SETTLE, SHUTDOWN),
            (Receiver("asgi_startup", Act(1.0)),),
        ),
    ),
    "requests do not wait for the startup": Mutation(
        Gate, "admit", admit, Scenario(CHAIN, (STARTUP, REQUEST, SETTLE, SHUTDOWN))
    ),
    "requests do not end before the shutdown": Mutation(
        RequestsInFlight,
        "end",
        nothing_async,
        Scenario(CHAIN, (STARTUP, SETTLE, REQUEST, ("turns", 8), SHUTDOWN)),
    ),
    "health checks do not end before the shutdown": Mutation(
        HealthChecks,
        "end",
        nothing_async,
        Scenario(
            (Spec(health=Check(Act(1.5))),),
            (STARTUP, SETTLE, HEALTH, ("turns", 5), SHUTDOWN),
        ),
    ),
    "lifespans stay registered": Mutation(
        RunningLifespans, "remove", nothing, Scenario(CHAIN)
    ),
    "receivers are not called": Mutation(
        signalled, "send", nothing_async, Scenario(CHAIN)
    ),
    "errors do not name the resource": Mutation(
        run_module,
        "failed_stop",
        original_error,
        Scenario((Spec(stop=Act(fault=Fault.RAISE)),)),
    ),
}


@pytest.fixture
def _collected() -> Generator[None]:
    """Collect what a broken runtime leaves, so that no other test reports it."""
    yield
    gc.collect()


@pytest.mark.usefixtures("_collected")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_breaks_a_promise(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutation = MUTATIONS[name]
    check(run(mutation.scenario))

    monkeypatch.setattr(mutation.owner, mutation.name, mutation.replacement)

    with pytest.raises(AssertionError):
        check(run(mutation.scenario))
