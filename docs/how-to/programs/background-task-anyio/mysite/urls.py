from django.http import HttpRequest, JsonResponse
from django.urls import include, path

from django_lifespan_typed import get_state

from .lifespan import rates


async def show(request: HttpRequest) -> JsonResponse:
    return JsonResponse(get_state(request, rates).latest)


urlpatterns = [
    path("rates", show),
    path("", include("django_lifespan_typed.urls")),
]
