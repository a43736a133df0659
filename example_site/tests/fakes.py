"""A fake book service, without a process or a socket."""

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
    """Answer as a book service with one book."""
    if request.url.path == "/books":
        return httpx.Response(200, json={"books": [asdict(EMMA)]})
    if request.url.path == f"/books/{EMMA.number}":
        return httpx.Response(200, json=asdict(EMMA))
    return httpx.Response(404)


FAKE_CLIENT = httpx.AsyncClient(
    base_url="http://books", transport=httpx.MockTransport(only_emma)
)

#: The address of no server.
NOWHERE = BookService("http://127.0.0.1:9", is_ours=True)
