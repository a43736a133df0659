"""No server outlives the test run that started it."""

from __future__ import annotations

from pathlib import Path
from signal import SIGTERM

from tests.processes import Gates, running

INNER = """
from tests.processes import ROOT, running

def test_a_server():
    serve = "from tests.gates import at_gate_in_thread as wait; wait('server')"
    with running("-c", serve, folder=ROOT) as server:
        server.wait()
"""


def test_a_server_ends_with_the_test_run(tmp_path: Path) -> None:
    (tmp_path / "test_inner.py").write_text(INNER)
    with (
        Gates("server") as gates,
        running(
            *("-m", "pytest", "-p", "xdist.plugin", "-n", "1"),
            folder=tmp_path,
            PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
            **gates.variables,
        ) as run,
    ):
        gates.wait_for("server")
        run.send(SIGTERM)

        gates.wait_until_gone("server")
