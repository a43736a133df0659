"""Which lifespans run tasks, and where their records are seen."""

from __future__ import annotations

import asyncio
import json
import re
import unittest
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, RequestFactory, override_settings
from django.urls import include, path

from django_lifespan_typed import (
    Lifespan,
    LifespanTask,
    Registry,
    StateKey,
    TaskRecord,
    current_state,
    get_state,
    lifespan_resource,
)
from django_lifespan_typed.testing import LifespanTestCase, override_state
from django_lifespan_typed.views import status_page
from tests.asgi.server import STARTED, STOPPED, FakeServer
from tests.journaling import Add, add
from tests.management.conftest import Call, call

from .engine import Engine
from .works import Declare, Work, forever, in_virtual_time, raises, returns, turns

__all__ = ["add", "call"]


async def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(get_state(request, StateKey[TaskRecord]("feed")).phase)


urlpatterns = [
    path("", include("django_lifespan_typed.urls")),
    path("page", page),
]


async def until_over(record: TaskRecord) -> None:
    """Wait for the last run, whose end Django's shared thread has a part in."""
    while record.phase not in {"finished", "crashed"}:  # noqa: ASYNC110
        await asyncio.sleep(0.001)  # pytest-timeout ends it


# --- Which lifespans run tasks


@pytest.mark.parametrize(
    ("run_tasks", "only", "phases"),
    [
        (True, None, {"feed": "running", "rates": "running"}),
        (None, None, {"feed": "standby", "rates": "standby"}),
        (None, ("feed",), {"feed": "running"}),
        (None, ("reader",), {"feed": "standby"}),
        (True, ("reader",), {"feed": "running"}),
        (None, ("reader", "feed"), {"feed": "running"}),
        (False, ("reader", "feed"), {"feed": "standby"}),
        (None, (), {}),
    ],
)
@in_virtual_time
async def test_servers_run_all_tasks_and_other_lifespans_those_that_are_named(
    run_tasks: bool | None,
    only: tuple[str, ...] | None,
    phases: dict[str, str],
    *,
    registry: Registry,
    task: Declare,
) -> None:
    feed = task("feed", Work(forever))
    task("rates", Work(forever))

    @lifespan_resource("reader", needs=(feed,), registry=registry)
    async def reader(record: TaskRecord) -> str:
        return record.phase

    keys = None if only is None else [StateKey[Any](name) for name in only]
    async with (
        lifespan := Lifespan(registry, only=keys, run_tasks=run_tasks)
    ) as state:
        await turns()

        found = {each.name: each.task for each in lifespan.status() if each.task}
        assert {name: record.phase for name, record in found.items()} == phases
        assert all(state[name].phase == phase for name, phase in phases.items())


@pytest.mark.parametrize("runner", ["server", "command"])
async def test_a_server_runs_tasks_unless_the_command_does(
    runner: str, registry: Registry, task: Declare
) -> None:
    began = asyncio.Event()

    async def begin() -> None:
        began.set()
        await forever()

    task("feed", Work(begin))

    with override_settings(LIFESPAN={"TASKS": runner}):
        async with FakeServer(registry, state={}) as server:
            assert await server.startup() == STARTED
            await turns()
            assert began.is_set() == (runner == "server")
            assert await server.shutdown() == STOPPED


async def test_a_standby_task_is_healthy(registry: Registry, task: Declare) -> None:
    task("feed", Work(forever))

    async with (lifespan := Lifespan(registry)):
        (health,) = await lifespan.health()

    assert (health.verdict, health.phase) == ("pass", "running")
    assert health.task == TaskRecord("standby")


def test_the_sync_block_runs_tasks(registry: Registry, task: Declare) -> None:
    began = asyncio.Event()

    async def begin() -> None:
        began.set()
        await forever()

    made = task("feed", Work(begin))

    with (lifespan := Lifespan(registry, only=(made,))) as state:
        lifespan.call(began.wait)

        assert state[made].phase == "running"


# --- A task is a key


async def test_views_and_other_code_look_the_record_up(
    default_registry: Registry, task: Declare
) -> None:
    made = task("feed", Work(forever), registry=default_registry)
    request: Any = RequestFactory().get("/")

    async with Lifespan(only=(made,)) as state:
        request.state = state
        await turns()
        found = get_state(request, made), current_state()[made], state["feed"]

        assert [type(record) for record in found] == [TaskRecord] * 3
        assert found[0] is found[1] is found[2]
        assert found[0].phase == "running"


async def test_a_view_sees_the_current_phase(registry: Registry, task: Declare) -> None:
    over = asyncio.Event()
    made = task("feed", Work(over.wait))

    with override_settings(ROOT_URLCONF=__name__):
        async with FakeServer(registry, state={}) as server:
            await server.startup()
            await turns()
            before = await server.request("/page")
            over.set()
            await until_over(current_state()[made])
            after = await server.request("/page")
            await server.shutdown()

    assert [each[1]["body"] for each in (before, after)] == [b"running", b"finished"]


async def test_the_function_uses_current_state(
    default_registry: Registry, add: Add, task: Declare
) -> None:
    found: list[str] = []

    async def look_up() -> None:
        found.append(current_state()["db"])

    @lifespan_resource("db")
    async def db() -> str:
        return "the db"

    made = task("feed", Work(look_up), needs=(db,), registry=default_registry)

    async with Lifespan(only=(made,)) as state:
        await until_over(state[made])

    assert found == ["the db"]


async def test_a_resource_may_depend_on_a_task(
    registry: Registry, task: Declare
) -> None:
    """It is given the record, which changes."""
    made = task("feed", Work(returns))

    @lifespan_resource("reader", needs=(made,), registry=registry)
    async def reader(record: TaskRecord) -> AsyncGenerator[TaskRecord]:
        await until_over(record)
        yield record

    async with Lifespan(registry, run_tasks=True) as state:
        assert state[reader].phase == "finished"
        assert state[reader] is state[made]


async def test_a_task_may_depend_on_a_task(registry: Registry, task: Declare) -> None:
    first = task("first", Work(returns))
    work = Work(forever)
    task("second", work, needs=(first,))

    async with Lifespan(registry, run_tasks=True) as state:
        await turns()

        assert work.given == [(state[first],)]


async def test_run_calls_the_function_once_without_a_lifespan(
    registry: Registry, task: Declare, add: Add, engine: Engine
) -> None:
    """Neither its lock nor its restarts play a part."""
    db = add("db")
    error = ConnectionError()
    work = Work(returns, raises(error))
    made = task("feed", work, needs=(db,), exclusive=engine.lock(), restart="always")

    await made.run("a fake")
    with pytest.raises(ConnectionError):
        await made.run("a fake")

    assert work.given == [("a fake",)] * 2
    assert engine.attempts == []


# --- Overrides


async def test_an_overridden_task_does_not_run(
    registry: Registry, task: Declare
) -> None:
    work = Work(forever)
    made = task("feed", work)
    fake = TaskRecord("finished")

    with override_state(made, fake):
        async with Lifespan(registry, run_tasks=True) as state:
            await turns()
            assert state[made] is fake
    assert work.began == []


async def test_a_task_is_given_overridden_dependencies(
    registry: Registry, journal: list[str], add: Add, task: Declare
) -> None:
    db = add("db")
    work = Work(forever)
    task("feed", work, needs=(db,))

    with override_state(db, "a fake"):
        async with Lifespan(registry, run_tasks=True):
            await turns()

    assert work.given == [("a fake",)]
    assert journal == []


async def test_an_override_while_it_runs_hides_the_record(
    registry: Registry, task: Declare
) -> None:
    made = task("feed", Work(forever))

    async with Lifespan(registry, run_tasks=True) as state:
        await turns()
        with override_state(made, TaskRecord("crashed")):
            assert state[made].phase == "crashed"
        assert state[made].phase == "running"


class TaskTests(LifespanTestCase):
    """The resources of a test case run, and its tasks do not."""

    __test__ = False

    def test_phase(self) -> None:
        assert self.state[StateKey[TaskRecord]("feed")].phase == "standby"


def test_a_test_case_runs_no_task(default_registry: Registry, task: Declare) -> None:
    work = Work(forever)
    task("feed", work, registry=default_registry)

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(TaskTests).run(result)

    assert (result.testsRun, result.failures, result.errors) == (1, [], [])
    assert work.began == []


# --- Where the record is seen


@pytest.fixture
def seen(registry: Registry, task: Declare) -> LifespanTask[...]:
    """A task that fails once, and then waits for half an hour."""
    work = Work(raises(ConnectionError("sesame")))
    return task("feed", work, backoff=(1800, 1800))


async def until_failed(lifespan: Lifespan, made: LifespanTask[...]) -> None:
    while lifespan.state[made].phase != "waiting":  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0)


async def test_status_and_health_have_a_copy(
    registry: Registry, seen: LifespanTask[...]
) -> None:
    """A record of a moment does not change."""
    async with (lifespan := Lifespan(registry, only=(seen,))) as state:
        (before,) = lifespan.status()
        await until_failed(lifespan, seen)
        (status,), (health,) = lifespan.status(), await lifespan.health()

        assert before.task is not None
        assert before.task.phase != "waiting"
        assert status.task == health.task == state[seen]
        assert status.task is not state[seen]
        assert isinstance(state[seen].last_error, ConnectionError)


async def test_resources_have_no_record(registry: Registry, add: Add) -> None:
    add("db")

    async with (lifespan := Lifespan(registry)):
        (status,), (health,) = lifespan.status(), await lifespan.health()

    assert (status.task, health.task) == (None, None)


async def test_readyz_shows_the_phase(
    registry: Registry, seen: LifespanTask[...]
) -> None:
    with override_settings(ROOT_URLCONF=__name__):
        async with (lifespan := Lifespan(registry, only=(seen,))):
            await until_failed(lifespan, seen)
            answer = await AsyncClient().get("/readyz")

    (check,) = json.loads(answer.content)["checks"]["feed"]
    assert answer.status_code == 200
    assert (check["status"], check["phase"]) == ("pass", "running")
    assert check["task"] == "waiting"
    assert b"sesame" not in answer.content


@pytest.mark.parametrize(
    ("optional", "code", "status"), [(False, 503, "fail"), (True, 200, "warn")]
)
async def test_readyz_fails_after_a_crash(
    optional: bool, code: int, status: str, *, registry: Registry, task: Declare
) -> None:
    work = Work(raises(ConnectionError("sesame")))
    made = task("feed", work, restart="never", optional=optional)

    with override_settings(ROOT_URLCONF=__name__):
        async with Lifespan(registry, only=(made,)) as state:
            await until_over(state[made])
            await turns()
            answer = await AsyncClient().get("/readyz")

    content = json.loads(answer.content)
    assert (answer.status_code, content["status"]) == (code, status)
    (check,) = content["checks"]["feed"]
    assert (check["phase"], check["task"]) == ("crashed", "crashed")
    assert "sesame" not in answer.content.decode()


def test_the_status_page_shows_the_phase(
    registry: Registry, seen: LifespanTask[...]
) -> None:
    request: Any = RequestFactory().get("/lifespan/")
    request.user = SimpleNamespace(is_authenticated=True, is_active=True, is_staff=True)
    apps = ["django.contrib.auth", "django.contrib.contenttypes"]

    with (
        override_settings(INSTALLED_APPS=apps),
        (lifespan := Lifespan(registry, only=(seen,))),
    ):
        lifespan.call(until_failed, lifespan, seen)
        response: Any = status_page(request)

    text = response.content.decode()
    assert "task: waiting" in text
    assert "sesame" not in text


def test_show_lists_the_schedule_of_a_task(add: Add, task: Declare, call: Call) -> None:
    db = add("db")
    task("feed", Work(forever), needs=(db,), exclusive=Engine().lock())
    task("rates", Work(forever), every=60)

    rows = [re.split(" {2,}", line)[:3] for line in call("show").splitlines()]
    shown = json.loads(call("show", "--json"))

    assert ["feed", "restart on failure, EngineLock", "db"] in rows
    assert ["rates", "every 60 s", "-"] in rows
    found = {
        each["name"]: (each["kind"], each["type"], each["task"])
        for each in shown["resources"]
    }
    assert found["feed"] == ("task", None, "restart on failure, EngineLock")
    assert found["rates"] == ("task", None, "every 60 s")
    assert found["db"][::2] == ("resource", None)
