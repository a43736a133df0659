"""Programs that are hosts of the application: FastAPI, and uvicorn inside a block."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from mysite.asgi import application

from django_lifespan_typed import Lifespan, run_asgi_lifespan
from django_lifespan_typed.asgi import with_lifespan

second = with_lifespan(application)


@asynccontextmanager
async def own_state(app: FastAPI) -> AsyncGenerator[dict[str, str]]:
    """The host has a value with the name of a resource."""
    yield {"shop": "the shop of the host"}


@asynccontextmanager
async def lifespans(app: FastAPI) -> AsyncGenerator[dict[str, str]]:
    async with (
        run_asgi_lifespan(application),
        run_asgi_lifespan(second),
        own_state(app) as state,
    ):
        yield state


wired = FastAPI(lifespan=lifespans)
unwired = FastAPI(lifespan=own_state)
for host in (wired, unwired):
    host.mount("/one", application)
    host.mount("/two", second)


async def main() -> None:
    async with Lifespan():
        config = uvicorn.Config(application, port=int(sys.argv[1]))
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(main())
