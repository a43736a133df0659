"""The documentation, built once for all tests."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from tests.processes import ROOT, running


@pytest.fixture(scope="session")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built pages."""
    folder = tmp_path_factory.getbasetemp()
    # The workers of pytest-xdist have a folder each, in that of the run.
    shared = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    built = shared / "html"
    with (shared / "html.lock").open("w") as lock:
        # Other workers wait here while the first one builds.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            build(shared / "html.unfinished").rename(built)
    return built


def build(folder: Path) -> Path:
    """Build as `make docs` does, where a warning is an error, without a network."""
    with running(
        *("-m", "sphinx", "--fail-on-warning", "--keep-going", "-q"),
        *("-d", str(folder / ".doctrees"), "docs", str(folder)),
        folder=ROOT,
        # Sphinx and its themes use deprecated names.
        PYTHONDEVMODE=None,
        HTTP_PROXY="http://127.0.0.1:1",
        HTTPS_PROXY="http://127.0.0.1:1",
    ) as sphinx:
        assert sphinx.wait() == 0, "\n".join(dict.fromkeys(sphinx.lines))
        assert sphinx.lines == []
    return folder
