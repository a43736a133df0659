"""How much memory a worker holds, as it says itself."""

from __future__ import annotations

import ctypes
import gc
from pathlib import Path

from django.http import HttpRequest, JsonResponse

ROLLUP = Path("/proc/self/smaps_rollup")


async def memory(_: HttpRequest, number: str) -> JsonResponse:
    """Bytes that are this process's alone, and in use."""
    # Twice: what a finalizer frees may be garbage itself.
    gc.collect()
    gc.collect()
    # What is free goes back to the system, where the C library can do that.
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)
    sizes = dict(line.split(":") for line in ROLLUP.read_text().splitlines()[1:])
    pages = sizes["Private_Dirty"], sizes["Swap"]
    held = sum(int(size.removesuffix("kB")) * 1024 for size in pages)
    return JsonResponse({"held": held})
