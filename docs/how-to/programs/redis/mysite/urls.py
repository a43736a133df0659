from django.http import HttpRequest, JsonResponse
from django.urls import include, path

from django_lifespan_typed import get_state

from .lifespan import redis


async def visits(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"visits": await get_state(request, redis).incr("visits")})


urlpatterns = [
    path("visits", visits),
    path("", include("django_lifespan_typed.urls")),
]
