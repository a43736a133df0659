"""The page on signals."""

from __future__ import annotations

from tests.docs.pages import command
from tests.processes import client, reserved_port, running

from .conftest import Site
from .sites import HOW_TO, run, serving

PAGE = "signals.md"


def test_receivers_are_called_around_serving(site: Site) -> None:
    folder = site("signals")
    with serving(PAGE, "uvicorn", folder) as served:
        with client(served.port) as browser:
            answer = browser.get("/")
        served.end()

    assert answer.text == "noted"
    noted = (folder / "audit.log").read_text("utf-8").splitlines()
    assert noted == ["up with greeter", "GET /", "down"]


def test_the_tests_of_the_page_pass(site: Site) -> None:
    process = run(PAGE, "python manage.py", site("signals"))

    assert "Ran 1 test" in process.output


def test_a_receiver_that_fails_is_a_failed_startup(site: Site) -> None:
    folder = site("signals")
    (folder / "audit.log").mkdir()
    arguments = command(HOW_TO / PAGE, "uvicorn", port=reserved_port())

    with running(*arguments, folder=folder) as process:
        assert process.wait() == 3

    assert "IsADirectoryError" in process.output
    assert process.found("(started|stopped) 'greeter' in") == ["started", "stopped"]
