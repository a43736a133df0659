from django.core.cache import cache
from django.http import HttpRequest, JsonResponse
from django.urls import include, path


async def sessions(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"sessions": await cache.aget("sessions")})


urlpatterns = [
    path("sessions", sessions),
    path("", include("django_lifespan_typed.urls")),
]
