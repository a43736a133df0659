"""The page about signals."""

from __future__ import annotations

import signal

from tests.processes import client, running
from tests.servers.servers import reserved_port

from .conftest import Site
from .pages import command
from .sites import manage, serving


def test_receivers_note_the_start_and_the_stop(site: Site) -> None:
    """After the resources have started, and before they stop."""
    folder = site("signals")
    with serving("signals", "uvicorn", folder) as served:
        with client(served.port) as browser:
            answer = browser.get("/")

        served.process.end(signal.SIGTERM)
        assert answer.text == "noted"
        assert served.stopped == ["greeter"]
        assert served.wrong == [], served.process.output
    noted = (folder / "audit.log").read_text("utf-8").splitlines()
    assert noted == ["up with greeter", "GET /", "down"]


def test_the_tests_of_the_page_pass(site: Site) -> None:
    """Any object can be the owner."""
    arguments = command("signals", "python manage.py")
    with running(*arguments, folder=site("signals")) as process:
        assert process.wait() == 0, process.output
        assert "Ran 1 test" in process.output


def test_a_command_sends_no_signal(site: Site) -> None:
    """It starts and stops the resources alone."""
    folder = site("signals")

    manage(folder, "lifespan", "check")

    assert not (folder / "audit.log").exists()


def test_a_receiver_that_fails_makes_a_failed_start(site: Site) -> None:
    """And the resources that had started are stopped."""
    folder = site("signals")
    (folder / "audit.log").mkdir()
    arguments = command("signals", "uvicorn", port=reserved_port())

    with running(*arguments, folder=folder) as process:
        assert process.wait() == 3

        assert "IsADirectoryError" in process.output
        assert process.found("started '(.*)' in") == ["greeter"]
        assert process.found("stopped '(.*)' in") == ["greeter"]
