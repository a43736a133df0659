from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager

from starlette.applications import Starlette

from django_lifespan_typed import lifespan_resource, run_asgi_lifespan
from django_lifespan_typed.types import State


class Greeter:
    async def greet(self, name: str) -> str:
        return f"Hello, {name}!"


@lifespan_resource("greeter")
async def greeter() -> AsyncGenerator[Greeter]:
    yield Greeter()


@lifespan_resource("api", needs=(greeter,))
def api_state(shared: Greeter) -> AbstractAsyncContextManager[State]:
    from .mounts import api

    return run_asgi_lifespan(api, state={"greeter": shared})


@lifespan_resource("mcp", needs=(greeter,))
async def mcp(shared: Greeter) -> AsyncGenerator[Starlette]:
    from .mounts import mcp_server

    # Create it for each lifespan: an MCP server can start only once.
    app = mcp_server(shared).streamable_http_app()  # it serves /mcp
    async with run_asgi_lifespan(app):
        yield app
