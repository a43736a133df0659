"""The answers of the FAQ, tried."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Final

from django_lifespan_typed import (
    Lifespan,
    Registry,
    StateKey,
    current_state,
    get_state,
    lifespan_resource,
)
from tests.processes import ROOT, running, start_project

PAGE: Final = (ROOT / "docs" / "explanation" / "faq.md").read_text("utf-8")
BLOCKS: Final = dict(
    re.findall(r"```python\n# mysite/(\w+)\.py\n(.*?)```", PAGE, re.DOTALL)
)
NUMBER: Final = StateKey[int]("number")

SETTINGS: Final = """
INSTALLED_APPS += ["django_lifespan_typed", "mysite"]
ALLOWED_HOSTS = ["testserver"]
MIDDLEWARE += ["mysite.middleware.set_current"]
"""

RESOURCE: Final = """

@lifespan_resource("settings_of_library")
async def settings_of_library() -> dict[str, str]:
    return {"colour": "green"}
"""

URLS: Final = """
import asyncio
from django.http import HttpResponse
from django.urls import path
from django_lifespan_typed import get_state
from .lifespan import archive
from .middleware import current

def sync(request):
    return HttpResponse(current.get()["colour"])

async def view(request):
    query = get_state(request, archive).query
    ((number,),) = await asyncio.to_thread(query, "select 1 + ?", "2")
    return HttpResponse(f"{current.get()['colour']} {number}")

urlpatterns = [path("sync", sync), path("async", view)]
"""

ASK: Final = """
import django
django.setup()
from django_lifespan_typed.testing import LifespanClient
with LifespanClient() as client:
    print(client.get("/sync").content.decode())
    print(client.get("/async").content.decode())
"""


def test_the_code_of_the_page_works(tmp_path: Path) -> None:
    package = start_project(tmp_path) / "mysite"
    with (package / "settings.py").open("a") as settings:
        settings.write(SETTINGS)
    (package / "lifespan.py").write_text(BLOCKS["lifespan"] + RESOURCE)
    (package / "middleware.py").write_text(BLOCKS["middleware"])
    (package / "urls.py").write_text(URLS)

    with running(
        *("-c", ASK), folder=tmp_path, DJANGO_SETTINGS_MODULE="mysite.settings"
    ) as process:
        assert process.wait() == 0, process.output

    assert len(BLOCKS) == PAGE.count("```python")
    assert process.lines == ["green", "green 3"]


def test_each_event_loop_has_a_value_of_its_own(registry: Registry) -> None:
    @lifespan_resource("loop", registry=registry)
    async def loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    async def start() -> asyncio.AbstractEventLoop:
        async with Lifespan(registry) as state:
            return state[loop]

    with Lifespan(registry) as state:
        assert asyncio.run(start()) is not state[loop]


async def test_the_value_of_a_host_comes_first(registry: Registry) -> None:
    @lifespan_resource(NUMBER, registry=registry)
    async def number() -> int:
        return 1

    async with Lifespan(registry):
        scope = {"state": {"number": 2}}

        assert get_state(scope, NUMBER) == 2
        assert current_state()[NUMBER] == 1
