from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager

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
def mcp_state(shared: Greeter) -> AbstractAsyncContextManager[State]:
    from .mounts import mcp_app

    return run_asgi_lifespan(mcp_app)
