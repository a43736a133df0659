"""Views of every kind, which share one async client."""

from __future__ import annotations

import os
from collections.abc import Callable

from asgiref.sync import async_to_sync, sync_to_async
from django.db import transaction
from django.http import (
    HttpRequest,
    HttpResponse,
    JsonResponse,
    StreamingHttpResponse,
)

from django_lifespan_typed import current_state, get_state

from .models import Book
from .resources import client


def sync_view(request: HttpRequest) -> HttpResponse:
    """``async_to_sync`` on the shared client, twice."""
    get = async_to_sync(get_state(request, client).get)
    return JsonResponse({"pid": os.getpid(), "got": [get("/").text, get("/").text]})


async def async_view(request: HttpRequest) -> HttpResponse:
    """The shared client, awaited."""
    get = get_state(request, client).get
    texts = [(await get("/")).text, (await get("/")).text]
    return JsonResponse({"pid": os.getpid(), "got": texts})


async def held_view(request: HttpRequest) -> HttpResponse:
    """It takes until the warehouse answers."""
    return HttpResponse((await get_state(request, client).get("/held")).text)


def mixed_view(request: HttpRequest) -> HttpResponse:
    """Sync code that calls async code that calls sync code that calls async code."""

    def inner() -> str:
        return async_to_sync(current_state()[client].get)("/").text

    async def outer() -> list[str]:
        return [(await current_state()[client].get("/")).text, await sync_inner()]

    sync_inner = sync_to_async(inner)
    return JsonResponse({"pid": os.getpid(), "got": async_to_sync(outer)()})


def streaming_view(request: HttpRequest) -> StreamingHttpResponse:
    """The client, used while the answer is being sent."""
    get = async_to_sync(get_state(request, client).get)
    return StreamingHttpResponse(f"{get('/').text}\n" for _ in range(2))


async def _count() -> int:
    return await Book.objects.acount()


def rollback_view(request: HttpRequest) -> HttpResponse:
    """Rows written in an ``atomic()``, by sync and by async code, and taken back."""
    with transaction.atomic():
        Book.objects.create(title="by sync code")
        async_to_sync(Book.objects.acreate)(title="by async code")
        seen = async_to_sync(_count)()
        transaction.set_rollback(True)
    return JsonResponse({"pid": os.getpid(), "seen": seen})


async def count_view(request: HttpRequest) -> HttpResponse:
    """How many rows an async view sees."""
    return JsonResponse({"pid": os.getpid(), "seen": await _count()})


def atomic_middleware(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Sync middleware: a row in an ``atomic()`` round the view, taken back."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if "in-atomic" not in request.GET:
            return get_response(request)
        with transaction.atomic():
            Book.objects.create(title="by a middleware")
            response = get_response(request)
            transaction.set_rollback(True)
        return response

    return middleware


def pid_view(request: HttpRequest) -> HttpResponse:
    """Who serves."""
    return JsonResponse({"pid": os.getpid()})


def fork_view(request: HttpRequest) -> HttpResponse:
    """A fork of a server that serves, and what it says."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            text = repr(current_state())
        except BaseException as error:
            text = f"{type(error).__name__}: {str(error).splitlines()[0]}"
        os.write(writing, text.encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(pid, 0)
    with os.fdopen(reading) as said:
        return JsonResponse({"pid": os.getpid(), "said": said.read()})
