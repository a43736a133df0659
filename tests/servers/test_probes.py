"""The health probes under ASGI and WSGI servers."""

from __future__ import annotations

import httpx

from tests.processes import client

from .server import Server, each
from .servers import GTHREAD, GUNICORN_ASGI, SYNC, UVICORN
from .serving import serving

# Each probe makes a check of its own.
PROBES = {"APPS": "probes", "LIFESPAN": '{"HEALTH_CACHE": 1e-300}'}
ONE = ("-w", "1")


def found(response: httpx.Response) -> dict[str, tuple[str, str, str | None]]:
    checks = response.json()["checks"]
    return {
        name: (entry["status"], entry["phase"], entry.get("error"))
        for name, (entry,) in checks.items()
    }


@each([UVICORN, GUNICORN_ASGI, GTHREAD, SYNC], quick=[UVICORN, GTHREAD])
def test_readiness_follows_the_resources(server: Server) -> None:
    """200 with an optional resource down; 503 with another lost or crashed."""
    options = ONE if server.workers > 1 else ()
    with serving(server, *options, **PROBES) as site, client(site.port) as browser:
        site.process.until(server.ready)
        site.until_listening()
        degraded = browser.get("/readyz")
        browser.get("/lose")
        lost = browser.get("/readyz/")
        browser.get("/find")
        recovered = browser.get("/readyz")
        browser.get("/crash")
        crashed = browser.get("/readyz")
        heads = [browser.head(path) for path in ("/readyz", "/livez", "/livez/")]
        alive = browser.get("/livez")
        posted = browser.post("/livez")

    statuses = [each.status_code for each in (degraded, lost, recovered, crashed)]
    search = ("warn", "failed", "OSError")
    running = {"database": ("pass", "running", None), "search": search}
    assert statuses == [200, 503, 200, 503]
    assert degraded.json()["status"] == "warn"
    assert degraded.headers["content-type"] == "application/health+json"
    assert degraded.headers["cache-control"] == "no-store, private"
    assert "no route" not in degraded.text
    assert found(degraded) == found(recovered) == running
    assert found(lost)["database"] == ("fail", "running", "Unhealthy")
    assert found(crashed)["database"] == ("fail", "crashed", "ResourceCrashed")
    assert [(head.status_code, head.text) for head in heads] == [
        (503, ""),
        (200, ""),
        (200, ""),
    ]
    assert (alive.status_code, alive.json()) == (200, {"status": "pass"})
    assert posted.status_code == 405


@each([GTHREAD, SYNC], quick=[SYNC])
def test_a_failed_start_is_alive_and_not_ready(server: Server) -> None:
    """The start is tried again, so the process needs no restart."""
    with (
        serving(server, FAIL="start", **PROBES) as site,
        client(site.port) as browser,
    ):
        site.until_ready()
        statuses = [browser.get(path).status_code for path in ("/readyz", "/livez")]

    assert statuses == [503, 200]
