"""The control: the same with plain Django, its lines global and never closed."""

from __future__ import annotations

import asyncio
from threading import Lock

from django.http import HttpRequest, JsonResponse
from django.urls import path

from .held import memory
from .lines import BlockingLine, Line, dial, dial_in_thread

# Hung up by nobody: plain Django has no place for it.
lines: list[Line] = []
blocking_lines: list[BlockingLine] = []
dialling = asyncio.Lock()
dialling_in_thread = Lock()


async def in_loop(_: HttpRequest, number: str) -> JsonResponse:
    """Takes a while."""
    async with dialling:
        if not lines:
            lines.append(await dial("shop"))
    await lines[0].ask(f"use {number}")
    return JsonResponse({"number": number})


def in_thread(_: HttpRequest, number: str) -> JsonResponse:
    """Talks to the blocking line."""
    with dialling_in_thread:
        if not blocking_lines:
            blocking_lines.append(dial_in_thread("till"))
    blocking_lines[0].ask(f"count {number}")
    return JsonResponse({"number": number})


urlpatterns = [
    path("async/<number>", in_loop),
    path("sync/<number>", in_thread),
    path("memory/<number>", memory),
]
