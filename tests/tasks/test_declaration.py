"""lifespan_task: what it returns, registers and refuses."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from functools import partial
from typing import Any

import pytest

from django_lifespan_typed import (
    LifespanTask,
    Registry,
    Resource,
    StateKey,
    TaskRecord,
    lifespan_resource,
    lifespan_task,
)
from django_lifespan_typed.exceptions import DuplicateName, InvalidDeclaration
from django_lifespan_typed.locks import FileLock
from tests.runtime.probes import next_line

from .engine import Engine

declare: Any = lifespan_task

A = StateKey[int]("a")
B = StateKey[str]("b")


async def work() -> None: ...


async def takes_one(a: int) -> None: ...


async def takes_two(a: int, b: str) -> None: ...


def plain() -> None: ...


def generates() -> Generator[None]:
    yield


async def generates_async() -> AsyncGenerator[None]:
    yield


class Feed:
    async def __call__(self) -> None: ...


def test_a_task_is_a_resource_with_all_its_arguments(registry: Registry) -> None:
    lock = Engine().lock(needs=(B,))
    options: dict[str, Any] = {"restart": "always", "backoff": (2, 30)}

    here = next_line()
    made = lifespan_task(
        "feed",
        needs=(A,),
        registry=registry,
        exclusive=lock,
        stop_timeout=2.5,
        optional=True,
        **options,
    )(takes_one)

    assert isinstance(made, LifespanTask)
    assert isinstance(made, Resource)
    assert made.function is takes_one
    assert (made.name, made.function_needs, made.needs) == ("feed", (A,), (A, B))
    assert (made.restart, made.backoff, made.every) == ("always", (2, 30), None)
    assert (made.exclusive, made.lock_name) == (lock, "feed")
    assert (made.stop_timeout, made.optional) == (2.5, True)
    assert made.value_type is TaskRecord
    assert str(made.declared_at) == here
    assert repr(made) == f"<LifespanTask 'feed' from {__name__}>"
    assert list(registry) == [made]


def test_a_task_is_declared_by_its_name_alone(default_registry: Registry) -> None:
    made = lifespan_task("feed")(work)

    assert list(default_registry) == [made]
    assert (made.restart, made.backoff) == ("on_failure", (1, 60))
    assert (made.every, made.exclusive, made.optional) == (None, None, False)


@pytest.mark.parametrize(
    ("options", "schedule"),
    [
        ({}, "restart on failure"),
        ({"restart": "never"}, "restart never"),
        ({"every": 0.5}, "every 0.5 s"),
        ({"every": 60, "exclusive": FileLock()}, "every 60 s, FileLock"),
    ],
)
def test_a_task_describes_its_schedule(
    options: dict[str, Any], schedule: str, *, registry: Registry
) -> None:
    made = declare("feed", registry=registry, **options)(work)

    assert made.schedule == schedule


def test_a_partial_function_is_a_function(registry: Registry) -> None:
    made = declare("feed", needs=(A,), registry=registry)(partial(takes_two, b="b"))

    assert made.name in registry


NAME = "lifespan_task() takes a name, not "
ENDLESS = (1, float("inf"))
PAIR = "backoff= of lifespan task 'it' is not a pair of seconds"
RESTARTS = "Write one of: 'on_failure', 'always', 'never'."


@pytest.mark.parametrize("name", [5, "", A, b"hunter2"])
def test_a_name_is_required(name: object, registry: Registry) -> None:
    with pytest.raises(InvalidDeclaration) as caught:
        declare(name, registry=registry)

    assert NAME in str(caught.value)
    assert 'Write: @lifespan_task("some_name")' in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_decorator_without_parentheses_is_refused() -> None:
    with pytest.raises(InvalidDeclaration) as caught:
        declare(work)

    assert 'Write: @lifespan_task("work")' in str(caught.value)


@pytest.mark.parametrize(
    ("options", "problem", "fix"),
    [
        ({"every": 0}, "every= of lifespan task 'it' is not above 0", "every=60"),
        ({"every": True}, "'it' is of type bool, not a number", "every=60"),
        ({"every": "60"}, "'it' is of type str, not a number", "every=60"),
        ({"every": float("nan")}, "'it' is not above 0", "every=60"),
        ({"every": float("inf")}, "'it' is infinite", "every=60"),
        (
            {"every": 60, "restart": "always"},
            "lifespan task 'it' has both every= and restart=",
            "Leave restart= out",
        ),
        (
            {"every": 60, "backoff": (1, 60)},
            "lifespan task 'it' has both every= and backoff=",
            "Leave backoff= out",
        ),
        (
            {"restart": "sometimes"},
            "restart= of lifespan task 'it' is 'sometimes'",
            RESTARTS,
        ),
        ({"restart": None}, "restart= of lifespan task 'it' is None", RESTARTS),
        ({"restart": ["never"]}, "'it' is an object of type list", RESTARTS),
        *(
            ({"backoff": backoff}, PAIR, "Write: backoff=(1, 60)")
            for backoff in (
                (60, 1),
                5,
                (1,),
                (1, 2, 3),
                (0, 0),
                (True, 60),
                "12",
                None,
                ENDLESS,
            )
        ),
        (
            {"exclusive": "feed"},
            "exclusive= of lifespan task 'it' is an object of type str, not a lock",
            "Write: exclusive=DatabaseLock(), or another lock of django_lifespan_ty",
        ),
        ({"exclusive": FileLock}, "not a lock", "DatabaseLock()"),
        ({"stop_timeout": 0}, "stop_timeout= of lifespan task 'it' is", "stop_timeout"),
        ({"optional": 1}, "type int, not True or False", "Write: optional=True"),
        (
            {"evry": 60},
            "evry= of lifespan task 'it' is no option of lifespan_task()",
            "Did you mean 'every'? Known: needs, registry, exclusive, ",
        ),
        ({"start_timeout": 5}, "start_timeout= of lifespan task 'it' is no", "Known: "),
        ({"registry": "default"}, "registry= is a str", "Write: registry=Registry()"),
        (
            {"needs": A},
            "lifespan task 'it' has a key as needs=",
            "Write: needs=(HTTP,)",
        ),
        ({"needs": [A]}, "type list as needs=", "Write: needs=(HTTP,)"),
        ({"needs": ("a",)}, "type str in needs=", "StateKey[SomeType]"),
    ],
)
def test_wrong_options_are_refused(
    options: dict[str, Any], problem: str, fix: str, *, registry: Registry
) -> None:
    with pytest.raises(InvalidDeclaration) as caught:
        declare("it", **{"registry": registry, **options})

    text = str(caught.value)
    assert problem in text
    assert fix in text
    assert caught.value.location is not None
    assert caught.value.location.file == __file__


@pytest.mark.parametrize(
    ("function", "needs", "problem", "fix"),
    [
        (
            plain,
            (A,),
            "'it' decorates plain, which is not async",
            "plain(a) -> None:\n        ...\nIn it, run blocking code by: await ",
        ),
        (
            generates,
            (),
            "'it' decorates the generator function generates",
            "Write an async function without yield:\n    async def generates() -> None",
        ),
        (
            generates_async,
            (),
            "'it' decorates the generator function generates_async",
            "without yield:\n    async def generates_async() -> None",
        ),
        (Feed, (), "'it' decorates Feed, which is not async", "async def Feed()"),
        (Feed(), (), "Feed, which is not async", "\n    async def some_name() -> None"),
        (lambda: None, (), "which is not async", "\n    async def some_name() -> None"),
        (5, (), "'it' decorates an object of type int", "async def some_name()"),
        (
            work,
            (A,),
            "'it' passes 'a' to a function that takes ()",
            "Give work one parameter for each dependency in needs=, in its order.",
        ),
        (
            takes_one,
            (),
            "'it' passes nothing to a function that takes (a: 'int')",
            "Give",
        ),
        (
            takes_one,
            (A, B),
            "passes 'a', 'b' to a function that takes (a: 'int')",
            "Give",
        ),
    ],
)
def test_wrong_functions_are_refused(
    function: Any, needs: Any, problem: str, fix: str, *, registry: Registry
) -> None:
    with pytest.raises(InvalidDeclaration) as caught:
        declare("it", needs=needs, registry=registry)(function)

    assert problem in str(caught.value)
    assert fix in str(caught.value)
    assert list(registry) == []


def test_the_error_has_problem_location_and_fix(registry: Registry) -> None:
    with pytest.raises(InvalidDeclaration) as caught:
        here = next_line()
        declare("feed", every=0, registry=registry)(work)

    assert str(caught.value) == (
        "every= of lifespan task 'feed' is not above 0\n"
        f'    {here}  declare("feed", every=0, registry=registry)(work)\n'
        "Write: every=60, or leave it out."
    )


def test_a_name_that_is_taken_is_refused(registry: Registry) -> None:
    @lifespan_resource("feed", registry=registry)
    async def feed() -> int:
        return 1

    with pytest.raises(DuplicateName):
        declare("feed", registry=registry)(work)

    assert list(registry) == [feed]


def test_a_task_that_is_declared_twice_has_the_error_of_its_name(
    registry: Registry,
) -> None:
    """The locks have the same name, too, but another lock would not help."""
    lock = Engine().lock()
    declare("feed", registry=registry, exclusive=lock)(work)

    with pytest.raises(DuplicateName):
        declare("feed", registry=registry, exclusive=lock)(work)


@pytest.mark.parametrize("is_first_named", [True, False])
def test_two_tasks_with_one_lock_name_are_refused(
    is_first_named: bool, *, registry: Registry
) -> None:
    engine = Engine()
    names = ["rates", None] if is_first_named else [None, "feed"]
    first = declare("feed", registry=registry, exclusive=engine.lock(names[0]))(work)

    with pytest.raises(InvalidDeclaration) as caught:
        declare("rates", registry=registry, exclusive=engine.lock(names[1]))(work)

    lock = "rates" if is_first_named else "feed"
    problem = f"lifespan task 'rates' has the lock {lock!r}, which 'feed' has, too\n"
    assert str(caught.value).startswith(problem)
    assert str(first.declared_at) in str(caught.value)
    assert "Give each task a lock of its own" in str(caught.value)
    assert list(registry) == [first]


def test_tasks_with_locks_of_their_own_are_accepted(registry: Registry) -> None:
    """One lock object serves several tasks: each has the name of its task."""
    lock = Engine().lock()

    made = [
        declare(name, registry=registry, exclusive=lock)(work) for name in ("a", "b")
    ]

    assert list(registry) == made
    assert [task.lock_name for task in made] == ["a", "b"]
