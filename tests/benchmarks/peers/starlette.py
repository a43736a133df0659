"""Starlette: the state that its lifespan yields."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.benchmarks.gathering import hold, served

from .value import NUMBER, Serving

FETCHES = {"request.state.number": "request.state.number"}


async def _view(request: Request) -> Response:
    await hold(request)
    return Response()


routes = [Route("/", _view)]


@asynccontextmanager
async def _lifespan(_app: Starlette) -> AsyncGenerator[dict[str, Any], None]:
    yield {"number": NUMBER}


def serving() -> Serving:
    return served(Starlette(routes=routes, lifespan=_lifespan))
