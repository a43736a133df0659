from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from django_lifespan_typed import get_state

from .lifespan import redis


async def join(request: HttpRequest, address: str) -> HttpResponse:
    await get_state(request, redis).rpush("new_users", address)
    return HttpResponse("You will receive a mail.\n")


urlpatterns = [
    path("join/<address>", join),
    path("", include("django_lifespan_typed.urls")),
]
