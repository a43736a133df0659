"""
A site for a real server: its view fetches the resource of a peer and answers.

``BENCHMARK_PEER`` is the name of the peer's module.
"""

from __future__ import annotations

import os
from importlib import import_module

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path

from .site import USUAL

peer = import_module(os.environ["BENCHMARK_PEER"])
expression, *_ = peer.FETCHES.values()
fetch = eval(f"lambda request: {expression}", vars(peer))


async def index(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{fetch(request)}")


urlpatterns = [path("", index)]

settings.configure(
    SECRET_KEY="of the benchmarks",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[*USUAL, *peer.MIDDLEWARE],
    USE_TZ=True,
)
django.setup()
application = peer.application()
