"""The how-to page, pasted and served."""

from __future__ import annotations

import json
import re
import signal

from django_lifespan_typed._settings import LifespanSettings
from tests.processes import ROOT, client, running

from .conftest import Site

PAGE = (ROOT / "docs" / "how-to" / "health.md").read_text("utf-8")
SERVE = ("-m", "uvicorn", "mysite.asgi:application", "--port", "0", "--no-use-colors")


def blocks(language: str) -> list[str]:
    """The page's code in *language*."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_code_works_as_pasted(site: Site) -> None:
    """Without a warehouse and a search engine: down for the one, not for the other."""
    folder = site()
    urls, checks, optional = blocks("python")
    (folder / "mysite" / "urls.py").write_text(urls)
    (folder / "mysite" / "lifespan.py").write_text(checks + optional)

    with running(*SERVE, folder=folder) as server:
        with client(server.until(r"Uvicorn running on .*:(\d+)")) as browser:
            ready, alive = browser.get("/readyz"), browser.get("/livez")
        server.end(signal.SIGINT)

    assert (ready.status_code, alive.status_code) == (503, 200), server.output
    found = {name: entry for name, (entry,) in ready.json()["checks"].items()}
    assert (found["warehouse"]["status"], found["search"]["status"]) == ("fail", "warn")
    assert found["warehouse"]["error"] == found["search"]["error"] == "ConnectError"
    (shown,) = map(json.loads, blocks("json"))
    assert shown.keys() == ready.json().keys()
    for name, (entry,) in shown["checks"].items():
        assert found[name].keys() - entry.keys() <= {"error"}
        assert entry.keys() <= found[name].keys()


def test_the_page_says_what_the_settings_say() -> None:
    """Limits that it names are the defaults, and its probes keep to them."""
    (manifest,) = blocks("yaml")
    readiness = manifest.partition("readinessProbe")[2]
    allowed = [
        int(number) for number in re.findall(r"timeoutSeconds: (\d+)", readiness)
    ]
    period, failures = re.findall(r"(?:periodSeconds|Threshold): (\d+)", manifest)[:2]

    assert LifespanSettings().HEALTH_TIMEOUT == 2
    assert LifespanSettings().HEALTH_CACHE == 1
    assert allowed[0] > LifespanSettings().HEALTH_TIMEOUT
    assert int(period) * int(failures) > LifespanSettings().START_TIMEOUT
