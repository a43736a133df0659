"""Checks of what is declared: settings, needs, types of values, time limits."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from functools import partial, wraps
from typing import Any

import pytest
from django.core.checks import CheckMessage, Error, Warning as Warn
from django.test import override_settings

from django_lifespan_typed import Registry, Resource, StateKey, lifespan_resource
from django_lifespan_typed.checks.declared import check_registry, check_settings
from django_lifespan_typed.register import register_lifespan_manager

INFINITE = float("inf")


def add(
    registry: Registry, name: str, *needs: str, stop: float | None = None
) -> Resource[Any]:
    """A resource that has something to clean up."""

    async def resource(*_: object) -> AsyncGenerator[object, None]:
        yield object()

    return lifespan_resource(
        StateKey[object](name),
        needs=tuple(StateKey[Any](need) for need in needs),
        stop_timeout=stop,
        registry=registry,
    )(resource)


def see(number: str) -> str:
    return f"\nSee lifespan.{number} in docs/reference/checks.md."


# --- Needs


def test_names_each_need_that_is_missing(registry: Registry) -> None:
    """All at once, not the first alone; what is close is suggested."""
    first = add(registry, "first", "databse", "cache")
    second = add(registry, "second", "cache")
    add(registry, "database")

    found = list(check_registry(registry))

    known = "'database', 'first', 'second'"
    advice = (
        "Register it, in lifespan.py of an installed app for example, or remove it "
        f"from needs=. Registered: {known}.{see('E001')}"
    )
    assert found == [
        Error(
            f"lifespan resource {resource.name!r} depends on {need!r}, which is "
            f"not registered\n{resource.declared_at.draw()}",
            hint=f"{meant}{advice}",
            obj=resource,
            id="lifespan.E001",
        )
        for resource, need, meant in (
            (first, "databse", "Did you mean 'database'? "),
            (first, "cache", ""),
            (second, "cache", ""),
        )
    ]


def test_draws_a_circle_of_needs(registry: Registry) -> None:
    """Also where something else is missing."""
    a = add(registry, "a", "b", "gone")
    b = add(registry, "b", "a")

    circle = list(check_registry(registry))[-1]

    assert circle == Error(
        "dependency cycle of lifespan resources: 'a' > 'b' > 'a'\n"
        f"{a.declared_at.draw()}\n{b.declared_at.draw()}",
        hint="Remove one of these from needs=, or move what they share into another "
        "resource." + see("E002"),
        obj=a,
        id="lifespan.E002",
    )


# --- Types of values


def test_names_a_resource_whose_type_is_unknown(registry: Registry) -> None:
    """Its value is checked by nobody."""

    async def made():  # type: ignore[no-untyped-def]
        yield object()

    declare: Any = lifespan_resource("made", registry=registry)
    resource = declare(made)

    assert list(check_registry(registry)) == [
        Warn(
            "the type of lifespan resource 'made' cannot be known at runtime, so its "
            f"value is not checked\n{resource.declared_at.draw()}",
            hint="Annotate what the factory yields with names that can be imported at "
            "runtime, or declare it with a key: "
            'StateKey[SomeType]("made"). Where anything will do: StateKey[Any].'
            + see("W007"),
            obj=resource,
            id="lifespan.W007",
        )
    ]


def test_names_a_plain_function_that_makes_no_value(registry: Registry) -> None:
    """It says what it returns, and that can be neither entered nor awaited."""

    def made() -> int:
        return 5

    declare: Any = lifespan_resource("made", registry=registry)
    resource = declare(made)

    assert list(check_registry(registry)) == [
        Warn(
            "lifespan resource 'made' is made by a plain function that returns int, "
            f"which can be neither entered nor awaited\n{resource.declared_at.draw()}",
            hint="Write async def where there is nothing to close, or yield the value."
            + see("W007"),
            obj=resource,
            id="lifespan.W007",
        )
    ]


class Pool:
    """What some libraries have: to be awaited, or entered."""

    def __await__(self) -> Any:
        yield


def of_a_pool() -> Pool:
    return Pool()


def of_a_context_manager() -> AbstractContextManager[int]:
    return nullcontext(1)


def of_an_iterator() -> Iterator[int]:
    return iter([1])


def of_anything() -> Any: ...


def of_an_object() -> object: ...


def of_what_nobody_knows() -> Unknown: ...  # type: ignore[name-defined]  # noqa: F821


def of_a_number() -> int:
    return 1


def of_numbers() -> int:
    yield 1  # type: ignore[misc]


async def of_numbers_async() -> int:
    yield 1  # type: ignore[misc]


def of_two() -> Pool | AbstractContextManager[int]:
    return Pool()


@pytest.mark.parametrize(
    "factory",
    [
        of_a_pool,
        of_a_context_manager,
        of_an_iterator,
        of_anything,
        of_an_object,
        of_what_nobody_knows,
        of_two,
        nullcontext,
        partial(of_a_pool),
        wraps(of_a_number)(lambda: of_a_pool()),
        of_numbers,
        of_numbers_async,
    ],
    ids=lambda factory: getattr(factory, "__name__", "partial"),
)
def test_says_nothing_of_a_plain_function_that_may_make_a_value(
    factory: Any, registry: Registry
) -> None:
    """Where it may be entered or awaited, or nobody can tell."""
    declare: Any = lifespan_resource("made", registry=registry)
    declare(factory)

    assert not any("plain" in message.msg for message in check_registry(registry))


def test_says_nothing_of_a_type_that_is_meant_to_be_anything(
    registry: Registry,
) -> None:
    """The hint's way out is one."""
    declare: Any = lifespan_resource(StateKey[Any]("made"), registry=registry)
    declare(lambda: None)

    assert list(check_registry(registry)) == []


# --- Time limits


def over_budget(seconds: str, budget: str, chain: str, last: object) -> CheckMessage:
    return Warn(
        f"lifespan resources that stop one after the other may take {seconds} s, above "
        f"the stop budget of {budget} s: {chain}",
        hint="What stops last has only what the others leave of the budget. Lower "
        'stop_timeout= or LIFESPAN["STOP_TIMEOUT"], or raise LIFESPAN["STOP_BUDGET"], '
        "which has to stay below what the orchestrator allows." + see("W008"),
        obj=last,
        id="lifespan.W008",
    )


def test_names_the_longest_chain_above_the_budget(registry: Registry) -> None:
    """In the order in which it stops, with the limit of each."""
    db = add(registry, "db", stop=12.5)
    add(registry, "cache", "db", stop=4)
    add(registry, "index", "db")
    add(registry, "views", "cache", "index", stop=3)
    add(registry, "alone", stop=25)

    found = list(check_registry(registry))

    chain = "'views' (3 s), then 'index' (10 s), then 'db' (12.5 s)"
    assert found == [over_budget("25.5", "25", chain, db)]


def test_what_has_no_clean_up_takes_no_time_to_stop(registry: Registry) -> None:
    """A coroutine function returns its value, and is done."""

    async def model(_: object) -> str:
        return "model"

    db = add(registry, "db", stop=14)
    lifespan_resource("model", needs=(db,), registry=registry, stop_timeout=60)(model)
    add(registry, "views", "model", stop=12)

    found = list(check_registry(registry))

    assert found == [over_budget("26", "25", "'views' (12 s), then 'db' (14 s)", db)]


@pytest.mark.parametrize(
    ("stops", "settings"),
    [
        pytest.param([None, None, None], {}, id="all of the defaults"),
        pytest.param([5, 10, 10], {}, id="as much as the budget"),
        pytest.param([INFINITE, 10, 10], {}, id="none of its own"),
        pytest.param([None] * 9, {"STOP_TIMEOUT": INFINITE}, id="the budget alone"),
        pytest.param([99, 99], {"STOP_BUDGET": INFINITE}, id="no budget"),
        pytest.param([99, 99], {"STOP_BUDGET": "x"}, id="said elsewhere"),
        pytest.param([], {"STOP_BUDGET": 1}, id="nothing registered"),
    ],
)
def test_says_nothing_of_limits_that_can_be_kept(
    stops: list[float | None], settings: Any, registry: Registry
) -> None:
    """Or that nobody wrote: three defaults are above the default budget."""
    for index, stop in enumerate(stops):
        add(registry, f"{index}", *([f"{index - 1}"] if index else []), stop=stop)

    with override_settings(LIFESPAN=settings):
        found = list(check_registry(registry))

    assert found == []


@pytest.mark.parametrize(
    ("settings", "seconds", "budget"),
    [
        pytest.param({"STOP_TIMEOUT": 20}, 20, 25, id="limit"),
        pytest.param({"STOP_BUDGET": 15}, 10, 15, id="budget"),
    ],
)
def test_a_setting_is_a_limit_that_was_written(
    settings: Any, seconds: int, budget: int, registry: Registry
) -> None:
    """Either of the two."""
    a = add(registry, "a")
    add(registry, "b", "a")

    with override_settings(LIFESPAN=settings):
        found = list(check_registry(registry))

    chain = f"'b' ({seconds} s), then 'a' ({seconds} s)"
    assert found == [over_budget(f"{2 * seconds}", f"{budget}", chain, a)]


# --- Settings


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({}, [], id="none"),
        pytest.param({"STOP_BUDGET": 25}, [], id="good"),
        pytest.param(
            [],
            [
                (
                    "E004",
                    "settings.LIFESPAN is [], not a dictionary",
                    'Write: LIFESPAN = {"START_TIMEOUT": 60}',
                )
            ],
            id="no dictionary",
        ),
        pytest.param(
            {"STOP_BUGET": 1, "STOP_TIMEOUT": "10", "HEALTH_DETAIL": 1},
            [
                (
                    "E003",
                    "settings.LIFESPAN has no 'STOP_BUGET'",
                    (
                        "Did you mean 'STOP_BUDGET'? Known: START_TIMEOUT, "
                        "STOP_TIMEOUT, STOP_BUDGET, CANCEL_TIMEOUT, REPORT_INTERVAL, "
                        "HEALTH_TIMEOUT, HEALTH_CACHE, HEALTH_DETAIL."
                    ),
                ),
                (
                    "E004",
                    (
                        "settings.LIFESPAN[\"STOP_TIMEOUT\"] is '10', not a number of "
                        "seconds above 0"
                    ),
                    (
                        'Write: LIFESPAN = {"STOP_TIMEOUT": 10}, or float("inf") for '
                        "no limit."
                    ),
                ),
                (
                    "E004",
                    'settings.LIFESPAN["HEALTH_DETAIL"] is 1, not True or False',
                    'Write: LIFESPAN = {"HEALTH_DETAIL": True}, or leave it out.',
                ),
            ],
            id="each",
        ),
    ],
)
def test_names_each_setting_that_is_wrong(
    given: Any, expected: list[tuple[str, str, str]]
) -> None:
    """All at once, not the first alone."""
    with override_settings(LIFESPAN=given):
        found = list(check_settings())

    assert found == [
        Error(problem, hint=f"{hint}{see(number)}", id=f"lifespan.{number}")
        for number, problem, hint in expected
    ]


def test_managers_without_a_limit_are_within_the_budget(registry: Registry) -> None:
    """Infinite leaves it to the budget, as for resources."""

    @asynccontextmanager
    async def opened() -> AsyncGenerator[dict[str, int]]:
        yield {"one": 1}

    register_lifespan_manager(context_manager=opened, registry=registry)

    with override_settings(LIFESPAN={"STOP_TIMEOUT": INFINITE}):
        assert list(check_registry(registry)) == []


def test_names_managers_above_the_budget(registry: Registry) -> None:
    """They stop one after the other."""

    def manager(name: str) -> Any:
        @asynccontextmanager
        async def opened() -> AsyncGenerator[dict[str, str]]:
            yield {name: name}

        opened.__qualname__ = name
        return opened

    for name in "a", "b":
        register_lifespan_manager(context_manager=manager(name), registry=registry)
    add(registry, "db", stop=12)

    with override_settings(LIFESPAN={"STOP_TIMEOUT": 10, "STOP_BUDGET": 15}):
        messages = list(check_registry(registry))

    first, last = [manager.name for manager in registry.managers]
    assert messages == [
        over_budget(
            "20", "15", f"{last!r} (10 s), then {first!r} (10 s)", registry.managers[0]
        )
    ]
