"""The probes under real servers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest

from tests.processes import LIMIT, ROOT, Process, running

ASGI = "tests.health.site.asgi:application"
WSGI = "tests.health.site.wsgi:application"
ON = r"(http://127\.0\.0\.1:[1-9]\d+)"
# Its control socket would be a thread in the process that forks.
GUNICORN = (
    *("-m", "gunicorn", "--no-control-socket"),
    *("--bind", "127.0.0.1:0", "-w", "1"),
)


@dataclass(frozen=True)
class Server:
    """A command, and how it tells its address."""

    name: str
    command: tuple[str, ...]
    listens: str

    def __str__(self) -> str:
        return self.name


UVICORN = Server(
    "uvicorn", ("-m", "uvicorn", ASGI, "--port", "0"), rf"Uvicorn running on {ON}"
)
GUNICORN_ASGI = Server(
    "gunicorn -k asgi", (*GUNICORN, "-k", "asgi", ASGI), rf"Listening at: {ON}"
)
GTHREAD = Server(
    "gunicorn -k gthread",
    (*GUNICORN, "-k", "gthread", "--threads", "4", WSGI),
    rf"Listening at: {ON}",
)
SYNC = Server("gunicorn -k sync", (*GUNICORN, WSGI), rf"Listening at: {ON}")


@contextmanager
def serving(server: Server, **variables: str) -> Iterator[tuple[httpx.Client, Process]]:
    """Who probes it, and its process."""
    with running(
        *server.command,
        folder=ROOT,
        PYTHONUNBUFFERED="1",
        PYTHONDEVMODE=None,
        **variables,
    ) as process:
        address = process.until(server.listens)
        with httpx.Client(base_url=address, timeout=LIMIT, trust_env=False) as client:
            yield client, process


@pytest.mark.parametrize("server", [UVICORN, GUNICORN_ASGI, GTHREAD, SYNC], ids=str)
def test_probes(server: Server) -> None:
    """200 while all is well, though degraded; 503 while lost, and after a crash."""
    with serving(server) as (client, process):
        degraded = client.get("/readyz")
        client.get("/lose")
        lost = client.get("/readyz/")
        client.get("/find")
        found = client.get("/readyz")
        client.get("/crash")
        dead = client.get("/readyz")
        heads = [client.head(path) for path in ("/readyz", "/livez", "/livez/")]
        alive = client.get("/livez")
        posted = client.post("/livez")

        statuses = [r.status_code for r in (degraded, lost, found, dead)]
        assert statuses == [200, 503, 200, 503], process.output

    def said(response: httpx.Response) -> dict[str, tuple[str, str, str | None]]:
        checks = response.json()["checks"]
        return {
            name: (entry["status"], entry["phase"], entry.get("error"))
            for name, (entry,) in checks.items()
        }

    search = ("warn", "failed", "OSError")
    running = {"database": ("pass", "running", None), "search": search}
    assert degraded.json()["status"] == "warn"
    assert degraded.headers["content-type"] == "application/health+json"
    assert degraded.headers["cache-control"] == "no-store, private"
    assert said(degraded) == said(found) == running
    assert said(lost) == {
        "database": ("fail", "running", "Unhealthy"),
        "search": search,
    }
    assert said(dead) == {
        "database": ("fail", "crashed", "ResourceCrashed"),
        "search": search,
    }
    assert "no route" not in degraded.text
    assert [(head.status_code, head.text) for head in heads] == [
        (503, ""),
        (200, ""),
        (200, ""),
    ]
    assert (alive.status_code, alive.json()) == (200, {"status": "pass"})
    assert posted.status_code == 405


@pytest.mark.parametrize("server", [GTHREAD, SYNC], ids=str)
def test_a_failed_start_is_not_alive(server: Server) -> None:
    """What serves after it refuses everything: a restart is what it needs."""
    with serving(server, FAILS="1") as (client, _):
        statuses = [client.get(path).status_code for path in ("/readyz", "/livez")]

    assert statuses == [503, 503]
