"""The page on management commands, scripts, Celery and Django's tasks."""

from __future__ import annotations

import signal

import django
import pytest

from tests.docs.pages import command
from tests.processes import client, running

from .conftest import Site
from .services import Service
from .sites import HOW_TO, run, serving

PAGE = "commands-and-tasks.md"

# Sends two tasks, and waits for their results.
SEND = """
from mysite import celery_app
sent = [celery_app.send_task("mysite.tasks.greet", [name]) for name in ("Emma", "Anne")]
print(sorted(result.get(timeout=60) for result in sent))
"""


@pytest.mark.parametrize(
    ("begins", "greetings"),
    [
        pytest.param(
            "python manage.py greet",
            ["Hello, Emma! You are number 1.", "Hello, Anne! You are number 2."],
            id="command",
        ),
        pytest.param(
            "python script.py", ["Hello, a script! You are number 1."], id="script"
        ),
    ],
)
def test_the_resource_runs_while_the_command_does(
    begins: str, greetings: list[str], site: Site
) -> None:
    process = run(PAGE, begins, site("commands"))

    assert process.found("^Hello.*") == greetings
    assert process.found("(started|stopped) 'greeter' in") == ["started", "stopped"]


def test_each_celery_worker_process_has_the_resource(
    site: Site, redis: Service
) -> None:
    folder = site("celery")
    # In development mode Python reports what Celery leaves open at its end.
    variables = {"BROKER_URL": redis.url, "PYTHONDEVMODE": None}
    with running(
        *command(HOW_TO / PAGE, "celery"), folder=folder, **variables
    ) as worker:
        with running("-c", SEND, folder=folder, **variables) as sender:
            assert sender.wait() == 0, sender.output
        worker.until("started 'greeter' in", nth=2)

        assert worker.end(signal.SIGTERM) == 0, worker.output
        assert sender.output.count("Hello, ") == 2
        assert "started" not in sender.output
        assert worker.found("stopped '(.*)' in") == ["greeter"] * 2


@pytest.mark.skipif(django.VERSION < (6, 0), reason="django.tasks is new in Django 6.0")
def test_a_task_of_an_immediate_backend_has_the_resources(site: Site) -> None:
    with serving(PAGE, "uvicorn", site("tasks")) as served:
        with client(served.port) as browser:
            answer = browser.get("/greet/Emma")

        assert answer.json() == {
            "status": "SUCCESSFUL",
            "greeting": "Hello, Emma! You are number 1.\n",
        }
