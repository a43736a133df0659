"""URLs of the scratch project."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.urls import path

from django_lifespan_typed import get_state

from .lifespan import shop


async def page(request: HttpRequest) -> JsonResponse:
    """The resource that the consumers have too."""
    return JsonResponse({"state": get_state(request, shop).state})


urlpatterns = [path("page", page)]
