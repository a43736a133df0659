"""A book service that tests make up: no process, no socket."""

from __future__ import annotations

from dataclasses import asdict

import httpx

from example_site.library.catalogue import Book
from example_site.library.keys import BookService

EMMA = Book(
    number=5,
    title="Emma",
    author="Jane Austen",
    year=1815,
    opening="Emma Woodhouse, handsome, clever, and rich …",
)


def only_emma(request: httpx.Request) -> httpx.Response:
    """The service with one book."""
    if request.url.path == "/books":
        return httpx.Response(200, json={"books": [asdict(EMMA)]})
    if request.url.path == f"/books/{EMMA.number}":
        return httpx.Response(200, json=asdict(EMMA))
    return httpx.Response(404)


FAKE_CLIENT = httpx.AsyncClient(
    base_url="http://books", transport=httpx.MockTransport(only_emma)
)

#: Nobody listens there.
NOWHERE = BookService("http://127.0.0.1:9", is_ours=True)
