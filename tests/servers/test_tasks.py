"""Background tasks: one process of a deployment runs an exclusive task."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from signal import SIGKILL, SIGTERM

import pytest

from tests.processes import Process, client, running

from .server import Server
from .servers import GTHREAD, UVICORN, UVICORN_2
from .serving import SITE, Serving, serving

RUN = r"^@(\d+) \+run$"

Serve = Callable[..., AbstractContextManager[Serving]]


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """The environment of the processes that share a lock."""
    return {"APPS": "feeds", "LOCK": str(tmp_path / "feed.lock")}


@pytest.fixture
def serve(variables: dict[str, str]) -> Serve:
    def serve(
        server: Server, *options: str, **more: str
    ) -> AbstractContextManager[Serving]:
        return serving(server, *options, **{**variables, **more})

    return serve


def until_ready(site: Serving) -> None:
    site.process.until(site.server.ready, nth=site.server.workers)
    site.until_listening()


def until_another_asks(process: Process, holder: str) -> None:
    """Wait until another process than *holder* was refused the lock."""
    process.until(rf"^@(?!{holder} )\d+ asks$", nth=3)


def assert_no_overlap(events: list[tuple[str, str]], killed: str = "") -> None:
    """Assert that each run has ended, or was killed, before the next one begins."""
    runs = [(pid, event) for pid, event in events if event.endswith("run")]
    assert runs
    current = ""
    for pid, event in runs:
        if event == "+run":
            assert current in {"", killed}, runs
            current = pid
        else:
            assert pid == current, runs
            current = ""


def events_of(process: Process) -> list[tuple[str, str]]:
    """Return the process and the name of each event, in order."""
    parts = [event.partition(" ") for event in process.events]
    return [(pid, event) for pid, _, event in parts if pid.isdigit()]


def test_one_of_two_workers_runs_a_task_and_the_other_takes_over(serve: Serve) -> None:
    with serve(UVICORN_2) as site:
        until_ready(site)
        holder = site.process.until(RUN, nth=3)
        until_another_asks(site.process, holder)
        before = {pid for pid, event in events_of(site.process) if event == "+run"}
        os.kill(int(holder), SIGKILL)
        site.process.until(rf"^@(?!{holder} )\d+ \+run$", nth=3)
        code = site.process.end(SIGTERM)

        assert code == UVICORN_2.stopped, site.process.output
        assert before == {holder}
        assert_no_overlap(events_of(site.process), killed=holder)


@pytest.mark.slow
def test_a_server_that_shuts_down_releases_the_lock(serve: Serve) -> None:
    with serve(UVICORN) as first:
        until_ready(first)
        holder = first.process.until(RUN)
        with serve(UVICORN) as second:
            until_ready(second)
            until_another_asks(second.process, holder)
            before = second.process.found(RUN)
            first.process.end(SIGTERM)
            second.process.until(RUN)
            second.process.end(SIGTERM)

        assert before == []
        for site in (first, second):
            assert_no_overlap(events_of(site.process))
            (events,) = site.workers.values()
            assert [event for event in events if "run" in event][-1] == "-run"
            assert events[-1] == "-db"


@pytest.mark.slow
def test_a_wsgi_worker_runs_the_task_from_its_first_request(serve: Serve) -> None:
    """It takes over from another server whose worker was killed."""
    with (
        serve(GTHREAD, "-w", "1") as first,
        serve(GTHREAD, "-w", "1") as second,
        client(first.port) as browser,
        client(second.port) as other,
    ):
        for site in (first, second):
            site.process.until(GTHREAD.ready)
            site.until_listening()
        before = first.process.found(RUN)
        browser.get("/phase")
        holder = first.process.until(RUN, nth=3)
        assert other.get("/phase").text == "standby"
        until_another_asks(second.process, holder)
        refused = second.process.found(RUN)
        os.kill(int(holder), SIGKILL)
        second.process.until(RUN, nth=3)
        code = second.process.end(SIGTERM)

        assert code == 0, second.process.output
        assert (before, refused) == ([], [])
        assert_no_overlap(events_of(first.process), killed=holder)
        assert_no_overlap(events_of(second.process))
        assert events_of(second.process)[-1][1] == "-db"


def test_the_command_runs_the_tasks_beside_a_server(
    serve: Serve, variables: dict[str, str]
) -> None:
    variables["LIFESPAN"] = '{"TASKS": "command"}'
    with (
        serve(UVICORN) as site,
        client(site.port) as browser,
        running(
            *("manage.py", "lifespan", "run", "--all"), folder=SITE, **variables
        ) as command,
    ):
        until_ready(site)
        command.until(RUN, nth=3)
        phase = browser.get("/phase").text
        code = command.end(SIGTERM)
        site.process.end(SIGTERM)

        assert code == 0, command.output
        assert phase == "standby"
        assert not site.process.found("asks|run$")
        assert_no_overlap(events_of(command))
        assert "-db" in [event for _, event in events_of(command)]
