"""The quick starts of django-asgi-lifespan, with only its import name replaced."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.processes import ROOT, running

SITES = Path(__file__).parent / "sites"
BEFORE, AFTER = "django_asgi_lifespan", "django_lifespan_typed"

SERVE = f"""
import asyncio, httpx
from {AFTER} import run_asgi_lifespan
from mysite.asgi import application

async def main():
    async with run_asgi_lifespan(application) as state:
        async def passed_on(scope, receive, send):
            await application({{**scope, "state": dict(state)}}, receive, send)

        transport = httpx.ASGITransport(passed_on)
        async with httpx.AsyncClient(transport=transport) as client:
            print((await client.get("http://localhost/book")).text, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("name", ["managers", "signals"])
def test_a_quick_start_works_after_one_replacement(name: str, tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(SITES / "common", site)
    shutil.copytree(SITES / name, site, dirs_exist_ok=True)
    replaced = 0
    for path in site.rglob("*.py"):
        text = path.read_text("utf-8")
        replaced += text.count(BEFORE)
        path.write_text(text.replace(BEFORE, AFTER), "utf-8")

    with running(
        *("-W", "error", "-c", SERVE),
        folder=site,
        PYTHONPATH=os.pathsep.join([str(site), str(ROOT)]),
    ) as process:
        code = process.wait()

    assert code == 0, process.output
    assert replaced > 0
    assert process.lines == ["opened", "Middlemarch", "closed"]
