"""Views that use lines: resources, or in the control globals that nothing closes."""

from __future__ import annotations

import asyncio
import ctypes
import gc
from pathlib import Path
from threading import Lock

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import path

from .lines import BlockingLine, Line, dial, dial_in_thread

ROLLUP = Path("/proc/self/smaps_rollup")

if settings.WITH_LIFESPAN:
    from django_lifespan_typed import get_state

    from .lifespan import shop, till

    async def shop_line(request: HttpRequest) -> Line:
        return get_state(request, shop)

    def till_line(request: HttpRequest) -> BlockingLine:
        return get_state(request, till)

else:
    lines: list[Line] = []
    blocking_lines: list[BlockingLine] = []
    dialling = asyncio.Lock()
    dialling_in_thread = Lock()

    async def shop_line(request: HttpRequest) -> Line:
        async with dialling:
            if not lines:
                lines.append(await dial("shop"))
        return lines[0]

    def till_line(request: HttpRequest) -> BlockingLine:
        with dialling_in_thread:
            if not blocking_lines:
                blocking_lines.append(dial_in_thread("till"))
        return blocking_lines[0]


async def in_loop(request: HttpRequest, number: str) -> JsonResponse:
    """Takes a while."""
    await (await shop_line(request)).ask(f"use {number}")
    return JsonResponse({"number": number})


def in_thread(request: HttpRequest, number: str) -> JsonResponse:
    till_line(request).ask(f"count {number}")
    return JsonResponse({"number": number})


async def memory(_: HttpRequest) -> JsonResponse:
    """The bytes that only this process uses."""
    # Twice: a finalizer may leave garbage.
    gc.collect()
    gc.collect()
    # Return free memory to the system, if the C library can.
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)
    sizes = dict(line.split(":") for line in ROLLUP.read_text().splitlines()[1:])
    pages = sizes["Private_Dirty"], sizes["Swap"]
    held = sum(int(size.removesuffix("kB")) * 1024 for size in pages)
    return JsonResponse({"held": held})


urlpatterns = [
    path("async/<number>", in_loop),
    path("sync/<number>", in_thread),
    path("memory", memory),
]
