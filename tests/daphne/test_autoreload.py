"""Under Django's autoreloader: what is closed, and what Django gives no time for."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.processes import Gates, Process, client

from .site import AUTORELOADED, port_of, save, serving

CLOSED = ["shop closes", "-shop with db open", "-db"]


def change(process: Process, site: Path) -> None:
    """Save a file of the project that it has imported."""
    file = site / "mysite" / "apps.py"
    save(process, file, f"{file.read_text('utf-8')}\n# changed\n")


def test_a_change_of_the_code_closes_and_starts_afresh(site: Path) -> None:
    """The old resources close, however slowly, before the new ones start."""
    with (
        Gates("stop") as gates,
        serving(AUTORELOADED, site, **gates.variables) as process,
        client(port_of(process)) as browser,
    ):
        assert browser.get("/async").json()["state"] == "open"
        change(process, site)
        gates.wait_for("stop")

        gates.open("stop")

        with client(port_of(process, nth=2)) as new_browser:
            assert new_browser.get("/async").json()["state"] == "open"
        assert process.events == ["+db", "+shop", *CLOSED, "+db", "+shop"]
        assert "Traceback" not in process.output


def test_a_change_during_the_start_cancels_it(site: Path) -> None:
    """What starts is cancelled, what has started is closed."""
    with (
        Gates("start") as gates,
        serving(AUTORELOADED, site, **gates.variables) as process,
    ):
        gates.wait_for("start")
        change(process, site)
        process.until_event("-db")
        gates.open("start")

        process.until_event("+shop")
        assert process.events == [
            *["+db", "shop is cancelled", "-db"],
            *["+db", "+shop"],
        ]
        assert "Traceback" not in process.output


def test_ctrl_c_leaves_a_quarter_of_a_second(site: Path) -> None:
    """
    A limit of Python's ``subprocess.run``, by which Django runs the child: after
    Ctrl-C it waits 0.25 s, then kills. A stop that takes longer does not complete.
    With ``--noreload`` it does.
    """
    with (
        Gates("stop") as gates,
        serving(AUTORELOADED, site, **gates.variables) as process,
        client(port_of(process)) as browser,
    ):
        assert browser.get("/async").json()["state"] == "open"

        process.end(signal.SIGINT, group=True)

        # The gate was never opened: what waited there was killed.
        assert "-shop with db open" not in process.events
        assert "-db" not in process.events


def test_sigterm_to_the_parent_closes_nothing(site: Path) -> None:
    """
    A limit of Django's: the process that watches kills the one that serves, with a
    signal that cannot be caught. With ``--noreload``, or under ``daphne``, SIGTERM
    closes everything.
    """
    with (
        serving(AUTORELOADED, site) as process,
        client(port_of(process)) as browser,
    ):
        assert browser.get("/async").json()["state"] == "open"

        code = process.end(signal.SIGTERM)

        assert code == 0
        assert process.events == ["+db", "+shop"]


def test_sigterm_to_the_child_closes_everything(site: Path) -> None:
    """The process that serves is the one to tell; the other ends with it."""
    with (
        Gates("stop") as gates,
        serving(AUTORELOADED, site, **gates.variables) as process,
        client(port_of(process)) as browser,
    ):
        os.kill(int(browser.get("/pid").text), signal.SIGTERM)
        gates.wait_for("stop")
        gates.open("stop")

        assert process.wait() == 0
        assert process.events == ["+db", "+shop", *CLOSED]
        assert "Traceback" not in process.output
