"""Check of the time limits of a shutdown."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django.core.checks import CheckMessage, Warning as Warn
from django.test import override_settings

from django_lifespan_typed import Registry, Resource, StateKey, lifespan_resource
from django_lifespan_typed.checks.resources import check_registry
from django_lifespan_typed.register import register_lifespan_manager

from .conftest import Declare

INFINITE = float("inf")


def messages(registry: Registry, **settings: Any) -> list[CheckMessage]:
    """Check the registry under these settings of LIFESPAN."""
    with override_settings(LIFESPAN=settings):
        return list(check_registry(registry, is_complete=True))


def over_budget(
    seconds: str, budget: str, listed: str, last: Resource[Any]
) -> CheckMessage:
    return Warn(
        f"lifespan resources that shut down one after the other may take {seconds} s, "
        f"more than the stop budget of {budget} s: {listed}",
        hint="The last one has only the rest of the budget. Lower stop_timeout= or "
        'LIFESPAN["STOP_TIMEOUT"], or raise LIFESPAN["STOP_BUDGET"], which must stay '
        "below the limit of the orchestrator.",
        obj=last,
        id="lifespan.W008",
    )


def test_the_longest_chain_is_reported_in_the_order_of_its_shutdown(
    registry: Registry, declare: Declare
) -> None:
    """A resource without cleanup takes no time."""

    async def model(_: object) -> str:
        return "model"

    db = declare("db", stop=12.5)
    lifespan_resource(
        "model", needs=(StateKey[Any]("db"),), registry=registry, stop_timeout=60
    )(model)
    declare("index", "model")
    declare("views", "model", "index", stop=3)
    declare("alone", stop=25)

    listed = "'views' (3 s), then 'index' (10 s), then 'db' (12.5 s)"
    assert messages(registry) == [over_budget("25.5", "25", listed, db)]


@pytest.mark.parametrize(
    ("stops", "settings"),
    [
        pytest.param([], {"STOP_BUDGET": 1}, id="nothing registered"),
        pytest.param([5, 10, 10], {}, id="exactly the budget"),
        pytest.param([None, None, None], {}, id="defaults above the budget"),
        pytest.param([INFINITE, 10, 10], {}, id="only the budget limits one"),
        pytest.param([None] * 9, {"STOP_TIMEOUT": INFINITE}, id="or all"),
        pytest.param([99, 99], {"STOP_BUDGET": INFINITE}, id="no budget"),
        pytest.param([99, 99], {"STOP_BUDGET": "x"}, id="invalid setting"),
    ],
)
def test_limits_that_the_project_can_keep_get_no_message(
    stops: list[float | None], settings: Any, registry: Registry, declare: Declare
) -> None:
    for index, stop in enumerate(stops):
        declare(f"{index}", *([f"{index - 1}"] if index else []), stop=stop)

    assert messages(registry, **settings) == []


@pytest.mark.parametrize(
    ("settings", "seconds", "budget"),
    [({"STOP_TIMEOUT": 20}, 20, 25), ({"STOP_BUDGET": 15}, 10, 15)],
    ids=str,
)
def test_default_limits_are_reported_once_a_setting_changes_them(
    settings: Any, seconds: int, budget: int, registry: Registry, declare: Declare
) -> None:
    a = declare("a")
    declare("b", "a")

    listed = f"'b' ({seconds} s), then 'a' ({seconds} s)"
    assert messages(registry, **settings) == [
        over_budget(f"{2 * seconds}", f"{budget}", listed, a)
    ]


def test_managers_shut_down_one_after_the_other(
    registry: Registry, declare: Declare
) -> None:
    def manager(name: str) -> Any:
        @asynccontextmanager
        async def opened() -> AsyncGenerator[dict[str, str]]:
            yield {name: name}

        return opened

    register_lifespan_manager(context_manager=manager("a"), registry=registry)
    register_lifespan_manager(context_manager=manager("b"), registry=registry)
    declare("db", stop=12)

    first, last = registry.managers
    listed = f"{last.name!r} (10 s), then {first.name!r} (10 s)"
    found = messages(registry, STOP_TIMEOUT=10, STOP_BUDGET=15)
    assert found == [over_budget("20", "15", listed, first)]
    assert messages(registry, STOP_TIMEOUT=INFINITE) == []
