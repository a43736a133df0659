"""The resources of the library: book_service, then httpx_client, then catalogue."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import httpx
from django.conf import settings

from django_lifespan_typed import lifespan_resource
from example_site.book_service.process import running_book_service

from .catalogue import Catalogue
from .keys import BOOK_SERVICE, BookService


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
