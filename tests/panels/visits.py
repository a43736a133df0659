"""
Visits the project, and prints what the panel shows as a line of JSON.

``python -m tests.panels.visits wsgi /sync /nothing``. With ``asgi`` the visits are
concurrent. With ``none`` and ``several``, no lifespan or several run.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any, TypeAlias

import django
import httpx
from asgi_lifespan import LifespanManager
from django.test import Client

from django_lifespan_typed import Lifespan, Registry
from django_lifespan_typed.asgi import get_asgi_application

Get: TypeAlias = Callable[[str], Awaitable[httpx.Response]]

PANEL = "/__debug__/render_panel/?panel_id=LifespanPanel&request_id="
HISTORY = "/__debug__/history_sidebar/?request_id="


async def visit(url: str, get: Get) -> dict[str, str]:
    page = await get(url)
    shown = {"body": page.text}
    if "djdt-request-id" in page.headers:
        request_id = page.headers["djdt-request-id"]
        panel, history = await get(PANEL + request_id), await get(HISTORY + request_id)
        shown["content"] = panel.json()["content"]
        shown["button"] = history.json()["LifespanPanel"]["button"]
    return shown


def visit_wsgi(urls: list[str]) -> dict[str, Any]:
    client = Client()

    def get_sync(url: str) -> httpx.Response:
        page: Any = client.get(url)
        content = b"".join(page)
        page.close()
        return httpx.Response(200, headers=dict(page.items()), content=content)

    async def get(url: str) -> httpx.Response:
        # A WSGI handler does not run on an event loop.
        return await asyncio.to_thread(get_sync, url)

    async def visit_all() -> dict[str, Any]:
        return {url: await visit(url, get) for url in urls}

    return asyncio.run(visit_all())


async def visit_asgi(urls: list[str]) -> dict[str, Any]:
    async with LifespanManager(get_asgi_application(), startup_timeout=60) as manager:
        transport = httpx.ASGITransport(manager.app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://testserver"
        ) as client:
            shown = await asyncio.gather(*(visit(url, client.get) for url in urls))
    return dict(zip(urls, shown, strict=True))


def visit_beside_several(urls: list[str]) -> dict[str, Any]:
    over = threading.Event()

    async def run(started: threading.Event) -> None:
        async with Lifespan(Registry()):
            started.set()
            await asyncio.to_thread(over.wait)

    with ExitStack() as stack:
        for _ in range(2):
            started = threading.Event()
            thread = threading.Thread(target=asyncio.run, args=(run(started),))
            thread.start()
            stack.callback(thread.join)
            started.wait()
        stack.callback(over.set)
        return visit_wsgi(urls)


def main(kind: str, *urls: str) -> dict[str, Any]:
    if kind == "asgi":
        return asyncio.run(visit_asgi([*urls]))
    if kind == "several":
        return visit_beside_several([*urls])
    if kind == "none":
        return visit_wsgi([*urls])
    with Lifespan():
        return visit_wsgi([*urls])


if __name__ == "__main__":
    django.setup()
    print(json.dumps(main(*sys.argv[1:])))
