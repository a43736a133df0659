from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from django_lifespan_typed import get_state

from .lifespan import greeter


async def index(request: HttpRequest) -> HttpResponse:
    return HttpResponse(await get_state(request, greeter).greet("async"))


def sync(request: HttpRequest) -> HttpResponse:
    return HttpResponse(async_to_sync(get_state(request, greeter).greet)("sync"))


urlpatterns = [
    path("", index),
    path("sync", sync),
    path("", include("django_lifespan_typed.urls")),  # livez, readyz
]
