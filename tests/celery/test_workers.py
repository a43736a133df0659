"""Celery workers with each pool, as processes of their own."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.processes import Process

from .conftest import Workshop

WORKER = ("celery", "-A", "workshop", "worker", "-l", "WARNING", "--without-gossip")
POOLS = {
    "prefork": (*WORKER, "-P", "prefork", "-c", "2"),
    "threads": (*WORKER, "-P", "threads", "-c", "2"),
    "solo": (*WORKER, "-P", "solo"),
}

STARTED = r"^\[(\d+)\] \+pool$"
STOPPED = r"^\[(\d+)\] -pool$"
FAILED = "RuntimeError: no route to the warehouse"


def ask(workshop: Workshop, count: int) -> list[dict[str, Any]]:
    """Send tasks from another process, which starts no resource, and await them."""
    with workshop("workshop.client", "ask", str(count)) as client:
        assert client.wait() == 0, client.output
        assert client.found(STARTED) == []
        answers: list[dict[str, Any]] = json.loads(client.lines[-1])
        return answers


def assert_all_are_stopped(worker: Process) -> None:
    assert sorted(worker.found(STOPPED)) == sorted(worker.found(STARTED))


@pytest.mark.parametrize(
    ("pool", "processes"),
    [
        ("prefork", 2),
        pytest.param("threads", 1, marks=pytest.mark.slow),
        pytest.param("solo", 1, marks=pytest.mark.slow),
    ],
)
def test_tasks_use_the_resources_of_their_process_until_they_end(
    pool: str, processes: int, workshop: Workshop, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    with (
        workshop(*POOLS[pool]) as worker,
        workshop("workshop.client", "held", "1", str(gate)) as client,
    ):
        # The solo pool has no process for a second task.
        answers = ask(workshop, 6) if pool != "solo" else []
        worker.until(STARTED, nth=processes)
        pid = worker.until(r"^\[(\d+)\] held$")
        worker.send(signal.SIGTERM)
        worker.until("Warm shutdown")
        gate.write_bytes(b"open")
        code = worker.wait()

        assert code == 0, worker.output
        assert client.wait() == 0, client.output
        answers += json.loads(client.lines[-1])
        started = worker.found(STARTED)
        for answer in answers:
            assert answer["answers"] == [f"answer from {answer['pid']}"] * 2
            assert str(answer["pid"]) in started
        assert len(started) == len({*started}) == processes
        assert (str(worker.pid) in started) == (pool != "prefork")
        events = worker.found(rf"^\[{pid}\] (.*)$")
        assert (events[0], events[-2:]) == ("+pool", ["asked", "-pool"])
        assert_all_are_stopped(worker)


@pytest.mark.slow
def test_a_replaced_child_shuts_its_resources_down(workshop: Workshop) -> None:
    command = (*WORKER, "-P", "prefork", "-c", "1", "--max-tasks-per-child", "1")
    with workshop(*command) as worker:
        pids = {str(answer["pid"]) for answer in ask(workshop, 2)}
        worker.until(STARTED, nth=3)
        worker.end(signal.SIGTERM)

        assert len(pids) == 2
        assert {*worker.found(STOPPED)} > pids
        assert_all_are_stopped(worker)


def test_a_failed_start_ends_the_worker(workshop: Workshop, tmp_path: Path) -> None:
    with workshop(*POOLS["threads"], WORKSHOP_FAILS=str(tmp_path)) as worker:
        assert worker.wait() == 1

        assert FAILED in worker.output


@pytest.mark.slow
def test_a_failed_start_of_a_prefork_child_is_repeated(
    workshop: Workshop, tmp_path: Path
) -> None:
    """Celery replaces the child; tasks wait, and none is lost."""
    broken = tmp_path / "broken"
    broken.touch()
    with workshop(*POOLS["prefork"], WORKSHOP_FAILS=str(broken)) as worker:
        worker.until(FAILED)
        with workshop("workshop.client", "ask", "3") as client:
            worker.until(FAILED, nth=4)
            assert worker.found("asked") == []
            broken.unlink()
            assert client.wait() == 0, client.output
        assert worker.end(signal.SIGTERM) == 0

        assert len(worker.found("asked")) == 3


@pytest.mark.slow
def test_a_cold_shutdown_shuts_the_resources_down(workshop: Workshop) -> None:
    """It sends no signal; the resources shut down when the process ends."""
    with workshop(*POOLS["solo"]) as worker:
        ask(workshop, 1)
        worker.end(signal.SIGQUIT)

        assert worker.found(STARTED) == [str(worker.pid)]
        assert_all_are_stopped(worker)


@pytest.mark.slow
def test_a_gevent_worker_does_not_start(workshop: Workshop) -> None:
    """Its threads are parts of one thread, in which no event loop may run."""
    with workshop(*WORKER, "-P", "gevent") as worker:
        assert worker.wait() == 1, worker.output
        assert "gevent has replaced threads by green threads" in worker.output
        assert worker.found(STARTED) == []
