"""The demo with a book service that somebody else runs."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from .demo import running_demo

BOOK = {
    "number": 13,
    "title": "The Hunting of the Snark",
    "author": "Lewis Carroll",
    "year": 1876,
    "opening": "“Just the place for a Snark!” the Bellman cried",
}


class OneBook(BaseHTTPRequestHandler):
    """A library with a single book; it closes the connection after every answer."""

    def do_GET(self) -> None:
        body = json.dumps({"books": [BOOK]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's
        pass


@contextmanager
def one_book() -> Generator[str]:
    """The URL of a service that lives as long as the block."""
    with ThreadingHTTPServer(("127.0.0.1", 0), OneBook) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_books_come_from_where_the_variable_says() -> None:
    """No process is started: the books are the other service's."""
    with (
        one_book() as url,
        running_demo(BOOK_SERVICE_URL=url) as demo,
        demo.client() as client,
    ):
        answer = client.get("/api/books/")

        assert answer.json() == {"books": [BOOK]}
        assert demo.book_service_url == url


def test_a_service_that_is_down_is_502_with_what_to_do() -> None:
    """As a page and as JSON, and only for as long as it is down."""
    with one_book() as url:
        pass

    with running_demo(BOOK_SERVICE_URL=url) as demo, demo.client() as client:
        page = client.get("/")
        sync_page = client.get("/authors/")
        answer = client.get("/api/books/6/")
        without_books = client.get("/visits/")

    assert page.status_code == sync_page.status_code == answer.status_code == 502
    assert "<h1>The books are out of reach</h1>" in page.text
    assert f"The book service at {url} cannot be reached" in page.text
    assert answer.json()["advice"] in page.text
    assert answer.json()["advice"].startswith(
        "BOOK_SERVICE_URL names this book service."
    )
    assert without_books.status_code == 200
