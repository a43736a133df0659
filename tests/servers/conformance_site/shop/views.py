"""Views that fetch a resource."""

from __future__ import annotations

import asyncio
import os

from asgiref.sync import async_to_sync
from django.http import HttpRequest, JsonResponse

from django_lifespan_typed import LifespanRequest, current_state, get_state
from tests.processes import at_gate

from .journal import note
from .lifespan import shop


def _found(request: LifespanRequest) -> dict[str, object]:
    note("view")
    opened = get_state(request, shop)
    return {
        "pid": os.getpid(),
        "name": opened.name,
        "state": opened.state,
        "by the middleware": request.state[shop] is opened,
        "by its name": request.state["shop"] is opened,
        "without a request": current_state()[shop] is opened,
    }


async def _found_on_loop(request: LifespanRequest) -> dict[str, object]:
    on_its_loop = get_state(request, shop).loop is asyncio.get_running_loop()
    return {**_found(request), "on its loop": on_its_loop}


async def in_async_view(request: LifespanRequest) -> JsonResponse:
    """The same resource, by each of the ways to it."""
    return JsonResponse(await _found_on_loop(request))


def in_sync_view(request: LifespanRequest) -> JsonResponse:
    """The same, in a thread."""
    return JsonResponse(_found(request))


def in_async_to_sync(request: LifespanRequest) -> JsonResponse:
    """The same, where a thread runs a coroutine on the resource's loop."""
    return JsonResponse(async_to_sync(_found_on_loop)(request))


async def held(request: HttpRequest) -> JsonResponse:
    """In flight until the test lets go."""
    opened = get_state(request, shop)
    note("+request")
    try:
        await at_gate("request")
    finally:
        note(f"-request, shop is {opened.state}")
    return JsonResponse({"state": opened.state})
