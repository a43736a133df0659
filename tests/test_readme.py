"""The README's project, pasted and served."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx

README = Path(__file__).parent.parent / "README.md"
BLOCK = re.compile(r"```python\n# (mysite/\w+\.py)\n(.*?)```", re.DOTALL)
UVICORN = re.compile(r"Uvicorn running on (\S+)")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_the_code_works_as_pasted(tmp_path: Path) -> None:
    """A fresh project with the README's three files serves what it promises."""
    start = [sys.executable, "-m", "django", "startproject", "mysite", str(tmp_path)]
    subprocess.run(start, check=True, timeout=60)
    blocks = BLOCK.findall(README.read_text())
    for name, code in blocks:
        (tmp_path / name).write_text(code)
    serve = [sys.executable, "-m", "uvicorn", "mysite.asgi:application"]
    serve += ["--port", str(free_port()), "--app-dir", str(tmp_path), "--no-use-colors"]

    env = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}

    with subprocess.Popen(serve, env=env, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr is not None
            found = next(filter(None, map(UVICORN.search, server.stderr)))
            answer = httpx.get(found.group(1), timeout=10)
            server.send_signal(signal.SIGINT)
            rest = server.stderr.read()
        finally:
            server.kill()

    assert {name for name, _ in blocks} == {
        "mysite/asgi.py",
        "mysite/lifespan.py",
        "mysite/urls.py",
    }
    assert answer.text == "closed: False"
    assert "Application shutdown complete." in rest
