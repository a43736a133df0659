"""The page on testing: its code runs as it is shown."""

from __future__ import annotations

import re

from tests.processes import ROOT

from .conftest import Scratch

pytest_plugins = ["pytester"]

PAGE = ROOT / "docs" / "how-to" / "testing.md"
BLOCK = re.compile(r"```python\n# (test_\w+\.py)\n(.*?)```", re.DOTALL)

# How many tests each block has.
TESTS = {
    "test_lifespan.py": 3,
    "test_session.py": 2,
    "test_fakes.py": 3,
    "test_view_alone.py": 1,
    "test_only.py": 1,
    "test_cases.py": 3,
    "test_clients.py": 3,
    "test_alone.py": 1,
}


def test_the_code_runs_as_shown(scratch: Scratch) -> None:
    """In one project, with pytest-django, pytest-asyncio and all else."""
    text = PAGE.read_text()
    blocks = dict(BLOCK.findall(text))
    for name, code in blocks.items():
        (scratch.folder / name).write_text(code)

    result = scratch.run_with_all(scratch.folder, "-oasyncio_mode=auto")

    assert blocks.keys() == TESTS.keys()
    assert len(blocks) == text.count("```python")
    result.assert_outcomes(passed=sum(TESTS.values()))
    assert scratch.journal.count("+http") == scratch.journal.count("-http")
