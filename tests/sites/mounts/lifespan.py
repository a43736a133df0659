"""A FastAPI application and an MCP server inside the Django site."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI, Request
from mcp.server import MCPServer
from mysite.journal import note

from django_lifespan_typed import current_state, lifespan_resource, run_asgi_lifespan


@lifespan_resource("http_client")
async def http_client() -> AsyncGenerator[httpx.AsyncClient]:
    prices = os.environ["PRICES"]
    async with httpx.AsyncClient(base_url=prices, trust_env=False) as client:
        note("+http_client")
        yield client
    note("-http_client")


# --- FastAPI, which is given the client, and adds to its own state


@asynccontextmanager
async def api_lifespan(app: FastAPI) -> AsyncGenerator[dict[str, Any]]:
    if os.environ.get("FAIL") == "start":
        raise RuntimeError("no stock")
    note("+api")
    yield {"stock": ["Emma"]}
    note("-api")


api = FastAPI(lifespan=api_lifespan)


@api.get("/api/stock")
async def stock(request: Request) -> dict[str, Any]:
    answer = await request.state.http_client.get("/9780141439587")
    seen = getattr(request.state, "seen", False)
    request.state.seen = True  # on this request's copy
    return {
        "stock": request.state.stock,
        "price": answer.text,
        "seen before": seen,
        "the site's client": request.state.http_client is current_state()[http_client],
    }


api_state = lifespan_resource("api", needs=(http_client,))(
    lambda client: run_asgi_lifespan(api, state={"http_client": client})
)

# --- MCP, whose session manager holds a task group open

mcp = MCPServer("library")


@mcp.tool()
async def price(title: str) -> str:
    """The price of a book."""
    from books.models import Book

    book = await Book.objects.aget(title=title)
    answer = await current_state()[http_client].get(f"/{book.isbn}")
    return f"{book.title} costs {answer.text}"


mcp_app = mcp.streamable_http_app()

mcp_state = lifespan_resource("mcp", needs=(http_client,))(
    lambda client: run_asgi_lifespan(mcp_app)
)
