"""The page about what has no request: commands, scripts, Celery, Django's tasks."""

from __future__ import annotations

import signal

import django
import pytest

from tests.processes import client, running

from .conftest import Site
from .pages import command
from .services import Service
from .sites import serving

PAGE = "commands-and-tasks"

# Sends tasks, and waits for what they return.
SEND = """
from mysite import celery_app
sent = [celery_app.send_task("mysite.tasks.greet", [name]) for name in ("Emma", "Anne")]
print(sorted(result.get(timeout=60) for result in sent))
"""


@pytest.mark.parametrize(
    ("begins", "said"),
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
def test_it_greets_and_closes(begins: str, said: list[str], site: Site) -> None:
    """The resource runs while the command does."""
    folder = site("commands")
    with running(*command(PAGE, begins), folder=folder) as process:
        assert process.wait() == 0, process.output

        assert process.found("^Hello.*") == said
        assert process.found("started '(.*)' in") == ["greeter"]
        assert process.found("stopped '(.*)' in") == ["greeter"]


def test_celery_workers_greet_with_the_resource_of_their_process(
    site: Site, redis: Service
) -> None:
    """Through a real broker; each child closes its own."""
    folder = site("celery")
    # It reports what others leave to the end of a process.
    variables = {"BROKER_URL": redis.url, "PYTHONDEVMODE": None}
    with running(*command(PAGE, "celery"), folder=folder, **variables) as worker:
        with running("-c", SEND, folder=folder, **variables) as sender:
            assert sender.wait() == 0, sender.output
        worker.until("started 'greeter' in", nth=2)

        assert worker.end(signal.SIGTERM) == 0, worker.output
        assert sender.output.count("Hello, ") == 2
        assert "started" not in sender.output
        assert worker.found("stopped '(.*)' in") == ["greeter"] * 2


@pytest.mark.skipif(django.VERSION < (6, 0), reason="django.tasks came with Django 6.0")
def test_a_task_of_django_finds_the_resources(site: Site) -> None:
    """Where a view enqueues it with the immediate backend."""
    with serving(PAGE, "uvicorn", site("tasks")) as served:
        with client(served.port) as browser:
            answer = browser.get("/greet/Emma")

        assert answer.json() == {
            "status": "SUCCESSFUL",
            "greeting": "Hello, Emma! You are number 1.\n",
        }
