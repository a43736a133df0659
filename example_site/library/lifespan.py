"""The resources and background tasks of the library, and their dependencies."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta

import httpx
from asgiref.sync import sync_to_async
from django.conf import settings
from starlette.applications import Starlette

from django_lifespan_typed import lifespan_resource, lifespan_task, run_asgi_lifespan
from django_lifespan_typed.locks import FileLock
from example_site.book_service.process import running_book_service

from .catalogue import Catalogue
from .catalogue_file import write_catalogue
from .keys import BOOK_SERVICE, BookService
from .live import notify_pages
from .mcp_server import mcp_server
from .reading_room import ReadingRoom
from .window import Window


@lifespan_resource(BOOK_SERVICE, start_timeout=20, stop_timeout=5)
async def book_service() -> AsyncGenerator[BookService]:
    """The service in BOOK_SERVICE_URL, or a child process without it."""
    if settings.BOOK_SERVICE_URL:
        yield BookService(settings.BOOK_SERVICE_URL, is_ours=False)
    else:
        async with running_book_service() as url:
            yield BookService(url, is_ours=True)


# It depends on the key, so any resource with that key fits.
@lifespan_resource("httpx_client", needs=(BOOK_SERVICE,))
async def httpx_client(service: BookService) -> AsyncGenerator[httpx.AsyncClient]:
    """One client for all requests, which keeps its connections open."""
    async with httpx.AsyncClient(
        base_url=service.url,
        timeout=5,
        # A proxy from the environment cannot reach loopback.
        trust_env=not service.is_ours,
    ) as client:
        yield client


@lifespan_resource("catalogue", needs=(httpx_client,))
async def catalogue(client: httpx.AsyncClient) -> AsyncGenerator[Catalogue]:
    """The catalogue for views; it has nothing to close."""
    yield Catalogue(client)


@catalogue.health
async def answers(books: Catalogue) -> None:
    """The health check for probes and the status page."""
    await books.search()


@lifespan_resource("window", needs=(catalogue,))
async def window(books: Catalogue) -> AsyncGenerator[Window]:
    """The window of this process, with one book on display."""
    yield Window(books, notify_pages)


@lifespan_task("change_window", needs=(window,), every=settings.WINDOW_SECONDS)
async def change_window(shown: Window) -> None:
    """Show another book every few seconds, in each process."""
    await shown.change()


@lifespan_task(
    "daily_catalogue",
    needs=(catalogue,),
    every=timedelta(days=1).total_seconds(),
    exclusive=FileLock(),
)
async def daily_catalogue(books: Catalogue) -> None:
    """Write all books to a file once a day, in one process of this machine."""
    found = await books.search()
    await sync_to_async(write_catalogue)(found, settings.CATALOGUE_FILE)


@lifespan_resource("reading_room")
async def reading_room() -> AsyncGenerator[ReadingRoom]:
    """The open books of this process, shared by consumers and views."""
    yield ReadingRoom()


@lifespan_resource("mcp", needs=(catalogue,))
async def mcp(books: Catalogue) -> AsyncGenerator[Starlette]:
    """The MCP endpoint, whose session manager is open while the site runs."""
    app = mcp_server(books).streamable_http_app()
    async with run_asgi_lifespan(app):
        yield app
