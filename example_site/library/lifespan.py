"""The resources of the library, each declared with what it needs."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import httpx
from anyio import create_task_group
from django.conf import settings
from starlette.applications import Starlette

from django_lifespan_typed import lifespan_resource, run_asgi_lifespan
from example_site.book_service.process import running_book_service

from .catalogue import Catalogue
from .keys import BOOK_SERVICE, BookService
from .live import tell_pages
from .mcp_server import mcp_server
from .reading_room import ReadingRoom
from .window import Window


@lifespan_resource(BOOK_SERVICE, start_timeout=20, stop_timeout=5)
async def book_service() -> AsyncGenerator[BookService]:
    """The service that BOOK_SERVICE_URL names; where it names none, one of our own."""
    if settings.BOOK_SERVICE_URL:
        yield BookService(settings.BOOK_SERVICE_URL, is_ours=False)
    else:
        async with running_book_service() as url:
            yield BookService(url, is_ours=True)


# By its key, not by the function above: whoever makes the value, the client fits.
@lifespan_resource("httpx_client", needs=(BOOK_SERVICE,))
async def httpx_client(service: BookService) -> AsyncGenerator[httpx.AsyncClient]:
    """One client for all requests: its connections are opened once, and kept."""
    async with httpx.AsyncClient(
        base_url=service.url,
        timeout=5,
        # A proxy named by the environment knows no way to our own loopback.
        trust_env=not service.is_ours,
    ) as client:
        yield client


@lifespan_resource("catalogue", needs=(httpx_client,))
async def catalogue(client: httpx.AsyncClient) -> AsyncGenerator[Catalogue]:
    """The catalogue that views ask; it owns nothing, so it closes nothing."""
    yield Catalogue(client)


@catalogue.health
async def answers(books: Catalogue) -> None:
    """For the readiness probe and the status page: raises if no books come."""
    await books.search()


@lifespan_resource("window", needs=(catalogue,))
async def window(books: Catalogue) -> AsyncGenerator[Window]:
    """A book to look at, which a task changes for as long as the site runs."""
    shown = Window(books, tell_pages)
    async with create_task_group() as tasks:
        tasks.start_soon(shown.keep_changing, settings.WINDOW_SECONDS)
        yield shown
        tasks.cancel_scope.cancel()


@lifespan_resource("reading_room")
async def reading_room() -> AsyncGenerator[ReadingRoom]:
    """Who reads what now: consumers keep it, and every page of the process sees it."""
    yield ReadingRoom()


@lifespan_resource("mcp", needs=(catalogue,))
async def mcp(books: Catalogue) -> AsyncGenerator[Starlette]:
    """The MCP endpoint, whose session manager is open as long as the site."""
    app = mcp_server(books).streamable_http_app()
    async with run_asgi_lifespan(app):
        yield app
