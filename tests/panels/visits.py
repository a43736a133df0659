"""
Visits the project with Django's test clients.

``python -m tests.panels.visits sync /sync /nothing`` prints a line of JSON for each
URL. ``async`` uses the ASGI stack. With ``several`` and ``none``, several lifespans or
none run.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from contextlib import ExitStack
from typing import Any

import django
from django.test import AsyncClient, Client

from django_lifespan_typed import Lifespan, Registry

PANEL = "/__debug__/render_panel/?panel_id=LifespanPanel&request_id="
HISTORY = "/__debug__/history_sidebar/?request_id="


def show(body: bytes, panel: Any, history: Any) -> None:
    shown = {
        "body": body.decode(),
        "content": panel.json()["content"],
        "button": history.json()["LifespanPanel"]["button"],
    }
    print(json.dumps(shown), flush=True)


def visit(urls: list[str]) -> None:
    client = Client()
    for url in urls:
        page: Any = client.get(url)
        body = b"".join(page)
        page.close()
        request_id = page["djdt-request-id"]
        show(body, client.get(PANEL + request_id), client.get(HISTORY + request_id))


async def visit_async(urls: list[str]) -> None:
    client = AsyncClient()
    async with Lifespan():
        for url in urls:
            page: Any = await client.get(url)
            if page.streaming:
                body = b"".join([part async for part in page])
                page.close()
            else:
                body = page.content
            request_id = page["djdt-request-id"]
            panel = await client.get(PANEL + request_id)
            show(body, panel, await client.get(HISTORY + request_id))


def visit_beside_several(urls: list[str]) -> None:
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
        visit(urls)


def main(kind: str, *urls: str) -> None:
    if kind == "async":
        asyncio.run(visit_async([*urls]))
    elif kind == "several":
        visit_beside_several([*urls])
    elif kind == "none":
        visit([*urls])
    else:
        with Lifespan():
            visit([*urls])


if __name__ == "__main__":
    django.setup()
    main(*sys.argv[1:])
