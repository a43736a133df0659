"""
Visits to the project without a server, in a process that ends by itself.

``python -m tests.panels.visits sync /sync /nothing`` prints a line of JSON for each
address. ``async`` takes the ASGI stack; with ``several`` and ``none`` the request has
no lifespan: there are others', or none at all.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import ExitStack
from typing import Any

import django
from django.test import AsyncClient, Client

from django_lifespan_typed import Lifespan, Registry
from tests.loops.threads import LoopThread

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
        made = page["djdt-request-id"]
        show(body, client.get(PANEL + made), client.get(HISTORY + made))


async def visit_async(urls: list[str]) -> None:
    client = AsyncClient()
    async with Lifespan():
        for url in urls:
            page: Any = await client.get(url)
            if page.streaming:
                body = b"".join([part async for part in page])
            else:
                body = page.content
            made = page["djdt-request-id"]
            show(body, await client.get(PANEL + made), await client.get(HISTORY + made))


def visit_beside_several(urls: list[str]) -> None:
    with ExitStack() as ends:
        for _ in range(2):
            thread, lifespan = LoopThread(), Lifespan(Registry())
            ends.callback(thread.end)
            thread.run(lifespan.__aenter__())
            ends.callback(leave, thread, lifespan)
        visit(urls)


def leave(thread: LoopThread, lifespan: Lifespan) -> None:
    thread.run(lifespan.__aexit__(None, None, None))


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
