"""Views of every kind that share one async client, and their URLs."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path

from django_lifespan_typed import current_state, get_state

from .lifespan import client
from .models import Book


def answer(**found: Any) -> JsonResponse:
    return JsonResponse({"pid": os.getpid(), **found})


def sync_view(request: HttpRequest) -> HttpResponse:
    get = async_to_sync(get_state(request, client).get)
    return answer(got=[get("/").text, get("/").text])


async def async_view(request: HttpRequest) -> HttpResponse:
    get = get_state(request, client).get
    return answer(got=[(await get("/")).text, (await get("/")).text])


def mixed_view(request: HttpRequest) -> HttpResponse:
    """Sync code that calls async code that calls sync code that calls async code."""

    def inner() -> str:
        return async_to_sync(current_state()[client].get)("/").text

    async def outer() -> list[str]:
        first = (await current_state()[client].get("/")).text
        return [first, await sync_to_async(inner)()]

    return answer(got=async_to_sync(outer)())


async def held_view(request: HttpRequest) -> HttpResponse:
    """In flight until the warehouse answers."""
    return HttpResponse((await get_state(request, client).get("/held")).text)


def streaming_view(request: HttpRequest) -> StreamingHttpResponse:
    get = async_to_sync(get_state(request, client).get)
    return StreamingHttpResponse(f"{get('/').text}\n" for _ in range(2))


async def _count() -> int:
    return await Book.objects.acount()


def rollback_view(request: HttpRequest) -> HttpResponse:
    """Rows written by sync and by async code in one transaction, rolled back."""
    with transaction.atomic():
        Book.objects.create(title="by sync code")
        async_to_sync(Book.objects.acreate)(title="by async code")
        seen = async_to_sync(_count)()
        transaction.set_rollback(True)
    return answer(seen=seen)


async def count_view(request: HttpRequest) -> HttpResponse:
    return answer(seen=await _count())


def atomic_middleware(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Adds a row in a transaction around the view, and rolls it back."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if "in-atomic" not in request.GET:
            return get_response(request)
        with transaction.atomic():
            Book.objects.create(title="by a middleware")
            response = get_response(request)
            transaction.set_rollback(True)
        return response

    return middleware


def fork_view(request: HttpRequest) -> HttpResponse:
    """Forks the serving process; returns what the child finds."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            found = repr(current_state())
        except BaseException as error:
            found = type(error).__name__
        os.write(writing, found.encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(pid, 0)
    with os.fdopen(reading) as pipe:
        return answer(found=pipe.read())


urlpatterns = [
    path("sync", sync_view),
    path("async", async_view),
    path("mixed", mixed_view),
    path("held", held_view),
    path("streaming", streaming_view),
    path("rollback", rollback_view),
    path("count", count_view),
    path("fork", fork_view),
]
