"""The HTTP server of the book service, with the standard library only."""

from __future__ import annotations

import json
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, final
from urllib.parse import parse_qs, urlsplit

from .shelf import SHELF, search

HOST: Final = "127.0.0.1"


@final
class BookHandler(BaseHTTPRequestHandler):
    """
    Answers two addresses with JSON.

    - ``/books?q=words``: the books with all these words in title or author
    - ``/books/6``: the book of that number, or 404
    """

    # Keep connections open, so that a shared client can reuse them.
    protocol_version = "HTTP/1.1"
    # With Nagle's algorithm, the second of two small writes waits for an ACK.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer a request."""
        url = urlsplit(self.path)
        match url.path.strip("/").split("/"):
            case ["books"]:
                words = parse_qs(url.query).get("q", [""])[0]
                found = [book._asdict() for book in search(words)]
                self._answer(HTTPStatus.OK, {"books": found})
            case ["books", number] if number.isdecimal() and int(number) in SHELF:
                self._answer(HTTPStatus.OK, SHELF[int(number)]._asdict())
            case _:
                error = f"not found: {url.path}"
                self._answer(HTTPStatus.NOT_FOUND, {"error": error})

    def log_message(
        self,
        format: str,  # noqa: A002 - the name in the base class
        *args: object,
    ) -> None:
        """Log nothing: the library logs each page."""

    def _answer(self, status: HTTPStatus, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@final
class BookServer(ThreadingHTTPServer):
    """The server; it accepts connections as soon as it is created."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__((HOST, port), BookHandler)

    @property
    def url(self) -> str:
        """The address, with the port that the system chose."""
        return f"http://{HOST}:{self.server_port}"
