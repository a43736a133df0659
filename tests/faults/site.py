"""The view that answers the requests of scenarios."""

from __future__ import annotations

import asyncio
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path


async def names(request: HttpRequest) -> HttpResponse:
    """Return the names on the lifespan state, after a while."""
    await asyncio.sleep(0.25)
    scope: Any = request.scope  # type: ignore[attr-defined]
    return HttpResponse(" ".join(sorted(scope["state"])))


urlpatterns = [path("", names)]
