"""What the machine's requests are answered by."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path


async def names(request: HttpRequest) -> HttpResponse:
    """The names that are on the state."""
    scope: Any = request.scope  # type: ignore[attr-defined]
    return HttpResponse(" ".join(sorted(scope["state"])))


urlpatterns = [path("", names)]
