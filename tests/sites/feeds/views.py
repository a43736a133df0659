"""A view that shows the phase of the task."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path

from django_lifespan_typed import get_state

from .lifespan import feed


def phase(request: HttpRequest) -> HttpResponse:
    return HttpResponse(get_state(request, feed).phase)


urlpatterns = [path("phase", phase)]
