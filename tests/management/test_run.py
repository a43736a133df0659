"""``manage.py lifespan run``."""

from __future__ import annotations

import signal

import pytest

from tests.processes import Gates

from .site import Ran, lifespan, started

ALL = "'export', 'feed', 'flaky', 'fragile', 'hobby', 'import', 'listener'"
signals = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])


@signals
def test_a_signal_ends_the_tasks_and_then_their_dependencies(
    number: signal.Signals,
) -> None:
    with started("tasks", "run", "feed") as process:
        process.until_event("+feed")
        code = process.end(number)

    assert code == 0, process.output
    # Only the dependencies of the named task are started.
    assert process.events == ["+db", "+feed", "-feed", "-db"]
    assert "Running 'feed'; Ctrl-C ends it" in process.output
    assert "Traceback" not in process.output


def test_the_process_runs_until_all_tasks_have_ended() -> None:
    with (
        Gates("export") as gates,
        started("tasks", "run", "import", "export", **gates.variables) as process,
    ):
        process.until_event("imported")
        gates.wait_for("export")
        assert process.alive
        gates.open("export")
        code = process.wait()

    assert code == 0, process.output
    assert sorted(process.events) == ["+files", "-files", "exported", "imported"]


def test_all_runs_every_task() -> None:
    with started("tasks", "run", "--all") as process:
        code = process.wait()

    # Two of them crash, which ends the others.
    assert code == 1
    assert process.output.endswith(" has crashed")
    assert {"+db", "+files", "-files", "-db"} <= {*process.events}
    assert f"Running {ALL}" in process.output


def test_a_failed_run_is_shown_and_repeated() -> None:
    ran = lifespan("tasks", "run", "flaky")

    assert ran.code == 0
    text = ran.out + ran.err
    assert text.count("ConnectionError: once\n") == 1
    assert "'flaky' failed; next run in " in text
    assert text.count("lifespan task 'flaky' has finished") == 1


def test_a_crash_ends_the_command_with_code_1() -> None:
    """The other tasks are stopped, and the dependencies closed."""
    with (
        Gates("crash") as gates,
        started("tasks", "run", "fragile", "feed", **gates.variables) as process,
    ):
        process.until_event("+feed")
        gates.open("crash")
        code = process.wait()

    assert code == 1
    assert process.events == ["+db", "+feed", "-feed", "-db"]
    assert process.output.count("ConnectionError: no route") == 1
    *_, last = process.output.splitlines()
    assert last == "CommandError: 'fragile' has crashed"


def test_a_crash_of_a_dependency_ends_the_command() -> None:
    with (
        Gates("crash") as gates,
        started("tasks", "run", "listener", **gates.variables) as process,
    ):
        gates.wait_for("crash")
        gates.open("crash")
        code = process.wait()

    assert code == 1
    *_, last = process.output.splitlines()
    assert last == "CommandError: 'socket' has crashed"


def test_a_crash_of_an_optional_task_is_shown() -> None:
    ran = lifespan("tasks", "run", "hobby", "import")

    assert ran.code == 0
    assert "ConnectionError: rain\n" in ran.out + ran.err


def test_a_dependency_that_fails_to_start_is_named() -> None:
    ran = lifespan("broken_tasks", "run", "feed")

    assert ran.code != 0
    assert "@+feed" not in ran.out
    assert "while starting lifespan resource 'db'" in ran.err
    assert "ConnectionError: the db is down" in ran.err


def test_the_other_tasks_run_without_an_optional_task_that_cannot_start() -> None:
    ran = lifespan("optional_tasks", "run", "--all")

    assert ran.code == 0
    assert "ConnectionError: the cache is down\n" in ran.out + ran.err
    assert "@imported" in ran.out
    assert "@warmed" not in ran.out


KNOWN = f"Registered: {ALL}.\n"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            (),
            "no task is named\nWrite: manage.py lifespan run TASK ..., or --all. ",
        ),
        (
            ("feeed", "import"),
            "lifespan run names 'feeed', which is not registered\nDid you mean 'feed",
        ),
        (
            ("db",),
            "lifespan run names 'db', a resource that is no background task\n",
        ),
    ],
)
def test_a_wrong_name_lists_the_tasks(arguments: tuple[str, ...], problem: str) -> None:
    ran = lifespan("tasks", "run", *arguments)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"CommandError: {problem}")
    assert ran.err.endswith(KNOWN)


def test_a_project_without_tasks_has_nothing_to_run() -> None:
    ran = lifespan("shop", "run", "--all")

    assert ran == Ran(0, "No background tasks are registered.\n", "")


def test_names_beside_all_are_refused() -> None:
    """They would have no meaning."""
    ran = lifespan("tasks", "run", "--all", "feeed")

    assert ran.code == 1
    assert "'feeed'" in ran.err


@pytest.mark.parametrize(("runner", "warns"), [("server", True), ("command", False)])
def test_it_says_that_servers_run_the_tasks_too(runner: str, warns: bool) -> None:
    ran = lifespan("tasks", "run", "import", LIFESPAN=f'{{"TASKS": "{runner}"}}')

    assert ran.code == 0
    assert ("The servers run them, too" in ran.out) == warns


@pytest.mark.parametrize("log", ["console", "file"])
def test_the_log_is_on_the_console_once(log: str) -> None:
    ran = lifespan("tasks", "run", "flaky", LOG=log)

    assert ran.code == 0
    text = ran.out + ran.err
    assert text.count("lifespan task 'flaky' has finished") == 1
    assert text.count("ConnectionError: once") == 1
    # The log of the project is on stderr, that of the command on stdout.
    assert ("has finished" in ran.out) == (log == "file")
    assert "\n\n\n" not in text
