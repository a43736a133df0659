"""The probes, and views that lose, find and crash the database."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from django_lifespan_typed import get_state

from .lifespan import database


def lose(request: HttpRequest) -> HttpResponse:
    get_state(request, database).is_lost = True
    return HttpResponse("lost")


def find(request: HttpRequest) -> HttpResponse:
    get_state(request, database).is_lost = False
    return HttpResponse("found")


async def crash(request: HttpRequest) -> HttpResponse:
    value = get_state(request, database)
    value.crash()
    await value.crashed.wait()
    return HttpResponse("crashed")


urlpatterns = [
    path("", include("django_lifespan_typed.urls")),
    path("lose", lose),
    path("find", find),
    path("crash", crash),
]
