"""Views that use the shop, and their URLs."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from asgiref.sync import async_to_sync
from django.http import HttpRequest, JsonResponse
from django.urls import path
from mysite.journal import note

from django_lifespan_typed import LifespanRequest, current_state, get_state
from tests.gates import at_gate, at_gate_in_thread

from .lifespan import shop


def _found(request: LifespanRequest) -> dict[str, object]:
    note("view")
    opened = get_state(request, shop)
    return {
        "pid": os.getpid(),
        "state": opened.state,
        "one object": opened
        is request.state[shop]
        is request.state["shop"]
        is current_state()[shop],
    }


async def _found_on_loop(request: LifespanRequest) -> dict[str, object]:
    on_its_loop = get_state(request, shop).loop is asyncio.get_running_loop()
    return {**_found(request), "on its loop": on_its_loop}


async def in_async_view(request: LifespanRequest) -> JsonResponse:
    return JsonResponse(await _found_on_loop(request))


def in_sync_view(request: LifespanRequest) -> JsonResponse:
    return JsonResponse(_found(request))


def in_async_to_sync(request: LifespanRequest) -> JsonResponse:
    return JsonResponse(async_to_sync(_found_on_loop)(request))


async def held(request: HttpRequest) -> JsonResponse:
    """In flight until the test opens the gate, and while it cleans up."""
    opened = get_state(request, shop)
    note("+request")
    try:
        await at_gate("request")
    finally:
        await at_gate("clean-up")
        note(f"-request, shop is {opened.state}")
    return JsonResponse({"state": opened.state})


def held_in_thread(request: HttpRequest) -> JsonResponse:
    """In flight until the test opens the gate; a thread cannot be cancelled."""
    opened = get_state(request, shop)
    note("+request")
    at_gate_in_thread("request")
    note(f"-request, shop is {opened.state}")
    return JsonResponse({"state": opened.state})


def modules(_: HttpRequest) -> JsonResponse:
    """The names of the imported modules."""
    return JsonResponse(sorted(sys.modules), safe=False)


urlpatterns: list[Any] = [
    path("async", in_async_view),
    path("sync", in_sync_view),
    path("to-sync", in_async_to_sync),
    path("held", held),
    path("held-in-thread", held_in_thread),
    path("modules", modules),
]
