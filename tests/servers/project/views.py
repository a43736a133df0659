"""Views that say what they found."""

from __future__ import annotations

import os

from asgiref.sync import async_to_sync
from django.http import HttpRequest, JsonResponse

from django_lifespan_typed import LifespanRequest, current_state, get_state

from .gates import wait_at
from .journal import note
from .resources import pool, repository


def _found(request: LifespanRequest) -> dict[str, object]:
    return {
        "pid": os.getpid(),
        "get_state": get_state(request, pool).is_open,
        "get_state of a need": get_state(request, repository) is request.state[pool],
        "request.state": request.state["pool"] is get_state(request, pool),
        "current_state": current_state()[pool] is get_state(request, pool),
        "names": sorted(request.state),
    }


async def in_loop(request: LifespanRequest) -> JsonResponse:
    """What an async view finds."""
    return JsonResponse(_found(request))


def in_thread(request: LifespanRequest) -> JsonResponse:
    """What a sync view finds."""
    return JsonResponse(_found(request))


def to_sync(request: LifespanRequest) -> JsonResponse:
    """What a coroutine finds that a sync view runs."""

    async def find() -> dict[str, object]:
        return _found(request)

    return JsonResponse(async_to_sync(find)())


async def slow(request: HttpRequest) -> JsonResponse:
    """Waits at the gate, then says whether the pool is still open."""
    note("+request")
    await wait_at("request")
    is_open = get_state(request, pool).is_open
    note(f"-request, pool is {'open' if is_open else 'closed'}")
    return JsonResponse({"open": is_open})
