from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from mcp.server import MCPServer

from .lifespan import Greeter


@asynccontextmanager
async def api_lifespan(app: FastAPI) -> AsyncGenerator[dict[str, Any]]:
    yield {"signature": "the API"}


api = FastAPI(lifespan=api_lifespan)


@api.get("/api/greet/{name}")
async def greet_in_api(request: Request, name: str) -> dict[str, str]:
    shared: Greeter = request.state.greeter
    return {"greeting": await shared.greet(name), "from": request.state.signature}


def mcp_server(shared: Greeter) -> MCPServer:
    server = MCPServer("mysite")

    @server.tool()
    async def greet(name: str) -> str:
        """Greets by name."""
        return await shared.greet(name)

    return server
