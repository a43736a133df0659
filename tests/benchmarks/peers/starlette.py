"""Starlette: the state that its lifespan yields."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from django_lifespan_typed import run_asgi_lifespan
from tests.benchmarks.gathering import Ask, asker, hold

from .value import NUMBER

FETCHES = {"request.state.number": "request.state.number"}


async def view(request: Request) -> Response:
    await hold(request)
    return Response()


@asynccontextmanager
async def _lifespan(_app: Starlette) -> AsyncGenerator[dict[str, Any], None]:
    yield {"number": NUMBER}


@asynccontextmanager
async def serving() -> AsyncGenerator[Ask, None]:
    app: Any = Starlette(routes=[Route("/", view)], lifespan=_lifespan)
    async with run_asgi_lifespan(app) as state:
        yield asker(app, state)
