"""aiohttp: typed keys on the application, and its own server."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from aiohttp import ClientSession, TCPConnector, web
from aiohttp.test_utils import TestServer

from tests.benchmarks.gathering import Ask, hold

from .value import NUMBER, Number

KEY = web.AppKey("number", Number)
FETCHES = {"request.app[KEY]": "request.app[KEY]"}


async def view(request: web.Request) -> web.Response:
    await hold(request)
    return web.Response()


async def _number(app: web.Application) -> AsyncGenerator[None, None]:
    app[KEY] = NUMBER
    yield


@asynccontextmanager
async def serving() -> AsyncGenerator[Ask, None]:
    app = web.Application()
    app.router.add_get("/", view)
    app.cleanup_ctx.append(_number)
    async with (
        TestServer(app) as server,
        ClientSession(connector=TCPConnector(limit=0)) as session,
    ):

        async def ask() -> None:
            async with session.get(server.make_url("/")) as response:
                assert response.status == 200

        yield ask
