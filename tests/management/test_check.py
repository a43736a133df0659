"""``manage.py lifespan check``."""

from __future__ import annotations

import logging
import signal
from collections.abc import AsyncGenerator
from io import StringIO
from typing import TypeAlias

import pytest
from django.core.management import CommandError

from django_lifespan_typed import Registry, lifespan_resource
from django_lifespan_typed.exceptions import LifespanError
from tests.journaling import Add
from tests.processes import Gates

from .conftest import Call
from .site import lifespan, started


def test_everything_is_started_checked_and_shut_down() -> None:
    """A failed optional resource is reported, and does not fail the check."""
    ran = lifespan("shop", "check")

    assert (ran.code, ran.err) == (0, "")
    before, waterfall, after = ran.out.split("\n\n")
    assert before.startswith("Starting 5 resources\n")
    assert "  checked 'db' in " in before
    names = [line.split()[0] for line in waterfall.splitlines()]
    assert sorted(names) == ["*", "cache", "catalogue", "db", "manager"]
    assert waterfall.count(" ms *") == 2  # the critical path
    assert after.splitlines()[-2:] == [
        "  optional 'search' failed to start: ConnectionError: no search at port 9",
        "4 of 5 started and shut down without errors",
    ]


def test_only_starts_the_named_resources_and_their_dependencies(
    call: Call, add: Add, journal: list[str]
) -> None:
    add("catalogue", add("db"))
    add("mail")

    shown = call("check", "--only", "catalogue", "--only", "db")

    assert shown.startswith("Starting 2 resources\n")
    assert shown.endswith("\n2 of 2 started and shut down without errors\n")
    assert journal == ["+db", "+catalogue", "-catalogue", "-db"]


def test_only_with_an_unknown_name_lists_the_known_ones(call: Call, add: Add) -> None:
    add("catalogue", add("db"))

    with pytest.raises(CommandError) as raised:
        call("check", "--only", "catalog", "db")

    assert str(raised.value) == (
        "--only names 'catalog', which is not registered\n"
        "Did you mean 'catalogue'? Registered: 'catalogue', 'db'."
    )


def test_verbosity_0_shows_only_problems_and_the_result(call: Call, add: Add) -> None:
    add("db").health(lambda _: None)
    add("search", optional=True, fails="start")

    *problems, result = call("check", "--verbosity", "0").splitlines()

    assert result == "1 of 2 started and shut down without errors"
    assert problems
    assert all("'search'" in line for line in problems)


@pytest.mark.parametrize(
    ("scene", "reports", "result"),
    [
        (
            "failing",
            {"'github' failed to start:": "ConnectionError: github is down"},
            "1 of 2 failed: 'github'",
        ),
        (
            "unhealthy",
            {"'db' is unhealthy:": "ConnectionError: no route"},
            "1 of 2 failed: 'db'",
        ),
        (
            "crashing",
            {"'feed' crashed:": "ValueError: the feed has ended"},
            "1 of 2 failed: 'feed'",
        ),
        (
            "closing",
            {
                "'db' failed to shut down:": "OSError: the db is gone",
                "'cache' failed to shut down:": "OSError: the cache is gone",
            },
            "2 of 2 failed: 'cache', 'db'",
        ),
    ],
    ids=["startup", "health check", "crash", "shutdown"],
)
def test_a_failure_is_shown_with_its_traceback(
    scene: str, reports: dict[str, str], result: str
) -> None:
    """The traceback begins with the project's own code."""
    ran = lifespan(scene, "check")

    assert ran.code == 1
    *_, last = ran.err.splitlines()
    assert last == f"CommandError: {result}"
    for title, error in reports.items():
        assert f"\n{title}\nTraceback (most recent call last):\n" in ran.err
        assert f"\n{error}\n" in ran.err
    assert "mysite/lifespan.py" in ran.err
    assert "django_lifespan_typed/" not in ran.err
    unhealthy = "  optional 'cache' is unhealthy: ConnectionError: no route"
    assert (unhealthy in ran.out.splitlines()) == (scene == "unhealthy")


def test_a_slow_startup_is_reported_while_it_lasts() -> None:
    with (
        Gates("start") as gates,
        started(
            "waiting", "check", LIFESPAN='{"REPORT_INTERVAL": 0.1}', **gates.variables
        ) as process,
    ):
        process.until("starting after .*'model'.*'api'")
        gates.open("start")

        assert process.wait() == 0
        assert process.lines[-1] == "3 of 3 started and shut down without errors"


@pytest.mark.parametrize(
    ("gate", "number", "code"),
    [("start", signal.SIGINT, 130), ("health", signal.SIGTERM, 143)],
)
def test_a_signal_shuts_down_what_has_started(
    gate: str, number: signal.Signals, code: int
) -> None:
    with (
        Gates(gate) as gates,
        started(
            "waiting", "check", LIFESPAN='{"HEALTH_TIMEOUT": 100}', **gates.variables
        ) as process,
    ):
        gates.wait_for(gate)

        # A signal just before a lock is waited for is handled after the wait.
        process.send(number)
        while not process.soon("^@db closed$", 10):
            process.send(number)

        assert process.wait() == code
        assert process.events == ["db closed"]
        assert process.lines[-1] == "Interrupted: all resources have been shut down"


def test_the_logger_is_restored(call: Call, registry: Registry) -> None:
    logger = logging.getLogger("django_lifespan_typed")
    logger.addHandler(handler := logging.NullHandler())
    before = {**vars(logger), "handlers": [*logger.handlers]}
    during: list[list[logging.Handler]] = []

    @lifespan_resource("db", registry=registry)
    async def db() -> AsyncGenerator[str]:
        during.append(logger.handlers)
        yield "the db"

    call("check")
    after = {**vars(logger), "handlers": [*logger.handlers]}
    logger.removeHandler(handler)

    assert handler not in during[0]
    names = ("handlers", "level", "propagate", "disabled")
    assert [after[name] for name in names] == [before[name] for name in names]


def test_called_from_python_a_failure_is_a_command_error(call: Call, add: Add) -> None:
    add("db", fails="start")
    err = StringIO()

    with pytest.raises(CommandError, match="1 of 1 failed: 'db'"):
        call("check", only=["db"], stderr=err)

    assert "ConnectionError: db" in err.getvalue()


Capture: TypeAlias = pytest.CaptureFixture[str]


class FailingOutput(StringIO):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str) -> int:
        if "'db'" in text:
            raise self.error
        return super().write(text)


@pytest.mark.parametrize(
    ("error", "reported"),
    [(BrokenPipeError(), ""), (OSError("no space"), "no space")],
    ids=["closed pipe", "full disk"],
)
def test_resources_are_shut_down_if_the_output_fails(
    error: Exception, reported: str, call: Call, registry: Registry, capsys: Capture
) -> None:
    journal: list[str] = []

    @lifespan_resource("db", registry=registry)
    async def db() -> AsyncGenerator[str]:
        journal.append("+db")
        yield "the db"
        journal.append("-db")

    call("check", stdout=FailingOutput(error))

    assert journal == ["+db", "-db"]
    assert reported in capsys.readouterr().err


async def test_an_error_of_no_resource_is_raised_as_it_is(call: Call, add: Add) -> None:
    """Sync code cannot wait for a lifespan on the running event loop."""
    add("db")

    with pytest.raises(LifespanError):
        call("check")
