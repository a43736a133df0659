"""The README's project, pasted and served."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import httpx

from tests.processes import LIMIT, ROOT, running

README = ROOT / "README.md"
BLOCK = re.compile(r"```python\n# (mysite/\w+\.py)\n(.*?)```", re.DOTALL)
SERVE = ("-m", "uvicorn", "mysite.asgi:application", "--port", "0", "--no-use-colors")


def test_the_code_works_as_pasted(tmp_path: Path) -> None:
    """A fresh project with the README's three files serves what it promises."""
    start = ("-m", "django", "startproject", "mysite", ".")
    with running(*start, folder=tmp_path) as started:
        assert started.wait() == 0, started.output
    blocks = BLOCK.findall(README.read_text())
    for name, code in blocks:
        (tmp_path / name).write_text(code)

    with running(*SERVE, folder=tmp_path) as server:
        url = server.until(r"Uvicorn running on (\S+)")
        answer = httpx.get(url, timeout=LIMIT, trust_env=False)
        server.end(signal.SIGINT)

    assert {name for name, _ in blocks} == {
        "mysite/asgi.py",
        "mysite/lifespan.py",
        "mysite/urls.py",
    }
    assert answer.text == "closed: False"
    assert "Application shutdown complete." in server.output
