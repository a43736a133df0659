"""Celery workers in processes of their own, with every pool."""

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
pools = pytest.mark.parametrize("pool", POOLS)
CHILDREN = {"prefork": 2, "threads": 1, "solo": 1}


def opened(worker: Process) -> list[str]:
    """The processes that have opened the pool."""
    return worker.found(r"^\[(\d+)\] \+pool$")


def closed(worker: Process) -> list[str]:
    """The processes that have closed it."""
    return worker.found(r"^\[(\d+)\] -pool$")


def send(workshop: Workshop, task: str, count: int) -> dict[str, Any]:
    """What the tasks return, to a process that only sends them."""
    with workshop("workshop.client", task, str(count)) as client:
        assert client.wait() == 0, client.output
        assert opened(client) == []
        sent: dict[str, Any] = json.loads(client.lines[-1])
        return sent


@pools
def test_tasks_use_what_their_process_has_opened_once(
    pool: str, workshop: Workshop
) -> None:
    """By ``current_state``, with ``async_to_sync`` on its loop; closed at the end."""
    with workshop(*POOLS[pool]) as worker:
        answers = send(workshop, "ask", 6)["answers"]
        worker.until(r"^\[(\d+)\] \+pool$", nth=CHILDREN[pool])
        code = worker.end(signal.SIGTERM)

        assert code == 0, worker.output
        for answer in answers:
            assert answer["answers"] == [f"answer from {answer['pid']}"] * 2
            assert str(answer["pid"]) in opened(worker)
        assert len(set(opened(worker))) == len(opened(worker)) == CHILDREN[pool]
        assert sorted(closed(worker)) == sorted(opened(worker))
        assert (str(worker.pid) in opened(worker)) == (pool != "prefork")


def test_who_only_sends_tasks_starts_nothing(workshop: Workshop) -> None:
    """No resource and no loop."""
    with workshop(*POOLS["solo"]) as worker:
        sent = send(workshop, "ask", 1)
        worker.end(signal.SIGTERM)

    assert "lifespan loop" not in sent["threads"]


@pools
def test_a_task_in_flight_ends_before_what_it_uses(
    pool: str, workshop: Workshop, tmp_path: Path
) -> None:
    """A warm shutdown waits for it."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    with workshop(*POOLS[pool]) as worker:
        with workshop("workshop.send_held", str(gate)) as client:
            assert client.wait() == 0, client.output
        pid = worker.until(r"^\[(\d+)\] held$")
        worker.send(signal.SIGTERM)
        worker.until("Warm shutdown")
        gate.write_bytes(b"go on")
        worker.wait()

        said = worker.found(rf"^\[{pid}\] (.*)$")
        assert said == ["+pool", "held", "asked", "-pool"], worker.output


def test_a_child_that_is_replaced_closes_what_it_has(workshop: Workshop) -> None:
    """``--max-tasks-per-child``: the next one opens its own."""
    command = (*WORKER, "-P", "prefork", "-c", "1", "--max-tasks-per-child", "1")
    with workshop(*command) as worker:
        answers = send(workshop, "ask", 2)["answers"]
        worker.end(signal.SIGTERM)

        pids = [str(answer["pid"]) for answer in answers]
        assert len(set(pids)) == 2
        assert set(closed(worker)) >= set(pids)
        assert sorted(closed(worker)) == sorted(opened(worker))


@pytest.mark.parametrize("pool", ["threads", "solo"])
def test_a_worker_whose_resources_do_not_start_ends(
    pool: str, workshop: Workshop, tmp_path: Path
) -> None:
    """With exit code 1, and the traceback; it takes no task."""
    with workshop(*POOLS[pool], WORKSHOP_FAILS=str(tmp_path)) as worker:
        code = worker.wait()

    assert code == 1
    assert "the Celery worker does not start" in worker.output
    assert "RuntimeError: no route to the warehouse" in worker.output


def test_a_prefork_child_that_does_not_start_is_tried_again(
    workshop: Workshop, tmp_path: Path
) -> None:
    """Celery replaces it; the tasks wait meanwhile, and none is lost."""
    broken = tmp_path / "broken"
    broken.touch()
    with workshop(*POOLS["prefork"], WORKSHOP_FAILS=str(broken)) as worker:
        worker.until("RuntimeError: no route to the warehouse")
        with workshop("workshop.client", "ask", "3") as client:
            worker.until("RuntimeError: no route to the warehouse", nth=4)
            early = worker.found(r"^\[\d+\] (asked)$")
            broken.unlink()
            assert client.wait() == 0, client.output
        code = worker.end(signal.SIGTERM)

        assert (code, early) == (0, [])
        assert "the Celery worker does not start" in worker.output
        assert len(worker.found(r"^\[\d+\] (asked)$")) == 3


@pytest.mark.parametrize("pool", ["threads", "solo"])
def test_a_cold_shutdown_closes_too(pool: str, workshop: Workshop) -> None:
    """It sends no signal; the end of the process closes."""
    with workshop(*POOLS[pool]) as worker:
        send(workshop, "ask", 1)
        worker.end(signal.SIGQUIT)

        assert closed(worker) == opened(worker) == [str(worker.pid)]
