"""The README's project, pasted and served."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import httpx

from tests.processes import LIMIT, ROOT, running, start_project

README = ROOT / "README.md"
BLOCK = re.compile(r"```python\n# (mysite/\w+\.py)\n(.*?)```", re.DOTALL)
SERVE = ("-m", "uvicorn", "mysite.asgi:application", "--port", "0", "--no-use-colors")


def test_the_code_works_as_pasted(tmp_path: Path) -> None:
    """A fresh project with the README's three files serves what it promises."""
    start_project(tmp_path)
    blocks = BLOCK.findall(README.read_text())
    for name, code in blocks:
        # The README shows only the added settings.
        mode = "a" if name == "mysite/settings.py" else "w"
        with (tmp_path / name).open(mode) as file:
            file.write(code)

    with running("manage.py", "check", folder=tmp_path) as check:
        assert check.wait() == 0, check.output
    with running("manage.py", "test", folder=tmp_path) as tests:
        assert tests.wait() == 0, tests.output
    with running(*SERVE, folder=tmp_path) as server:
        url = server.until(r"Uvicorn running on (\S+)")
        answer = httpx.get(url, timeout=LIMIT, trust_env=False)
        server.end(signal.SIGINT)

    assert {name for name, _ in blocks} == {
        "mysite/asgi.py",
        "mysite/lifespan.py",
        "mysite/settings.py",
        "mysite/tests.py",
        "mysite/urls.py",
    }
    assert check.lines == ["System check identified no issues (0 silenced)."]
    assert "Ran 2 tests" in tests.output
    assert answer.text == "closed: False"
    assert "Application shutdown complete." in server.output
