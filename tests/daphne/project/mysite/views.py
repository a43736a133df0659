"""Views that fetch a resource."""

from __future__ import annotations

import asyncio
import os
import sys

from django.http import HttpRequest, HttpResponse, JsonResponse

from django_lifespan_typed import LifespanRequest, current_state, get_state
from tests.processes import at_gate, at_gate_in_thread, happened

from .lifespan import shop


async def in_async_view(request: LifespanRequest) -> JsonResponse:
    """The same resource, by each of the ways to it."""
    opened = get_state(request, shop)
    return JsonResponse(
        {
            "name": opened.name,
            "state": opened.state,
            "on its loop": opened.loop is asyncio.get_running_loop(),
            "by the middleware": request.state[shop] is opened,
            "without a request": current_state()[shop] is opened,
        }
    )


def in_sync_view(request: LifespanRequest) -> JsonResponse:
    """The same, in a thread."""
    opened = get_state(request, shop)
    return JsonResponse(
        {
            "name": opened.name,
            "state": opened.state,
            "by the middleware": request.state[shop] is opened,
            "without a request": current_state()[shop] is opened,
        }
    )


async def held(request: HttpRequest) -> HttpResponse:
    """In flight until the test lets go, also after it was cancelled."""
    opened = get_state(request, shop)
    happened("+request")
    try:
        await at_gate("request")
    finally:
        await at_gate("clean-up")
        happened(f"-request with {opened.name} {opened.state}")
    return HttpResponse(opened.state)


def held_in_thread(request: HttpRequest) -> HttpResponse:
    """In flight until the test lets go; a thread is not to be cancelled."""
    opened = get_state(request, shop)
    at_gate_in_thread("request")
    happened(f"-request with {opened.name} {opened.state}")
    return HttpResponse(opened.state)


def modules(request: HttpRequest) -> JsonResponse:
    """What has been imported."""
    return JsonResponse(sorted(sys.modules), safe=False)


def pid(request: HttpRequest) -> HttpResponse:
    """Which process serves."""
    return HttpResponse(str(os.getpid()))
