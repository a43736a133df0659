"""Channels' live server test case: Daphne in a forked child of the test run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.processes import running


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({}, id="imported by the child"),
        pytest.param({"IMPORT_FIRST": "1"}, id="imported before the fork"),
    ],
)
def test_resources_start_and_are_closed(variables: dict[str, str], site: Path) -> None:
    """Once for the test case, although it gives the server no signal handlers."""
    with running("manage.py", "test", folder=site, **variables) as process:
        code = process.wait()

        assert code == 0, process.output
        assert "Ran 1 test in " in process.output
        assert process.events == [
            *["+db", "+shop"],
            *["shop closes", "-shop with db open", "-db"],
        ]
        assert "Traceback" not in process.output


def test_a_handler_that_the_project_has_for_sigterm_stays(site: Path) -> None:
    """What ends the server's process then is the project's own affair."""
    with running("manage.py", "test", folder=site, OWN_SIGTERM="1") as process:
        code = process.wait()

        assert code == 0, process.output
        assert "Ran 1 test in " in process.output
        # Not one of the events: the dot of the test may stand before it.
        told = process.found(r"the project's own SIGTERM|^@\+shop|^@shop closes|^@-db$")
        assert told == ["@+shop", "the project's own SIGTERM", "@shop closes", "@-db"]
