"""The project under a server, and what its panel shows."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final, final

import httpx
from typing_extensions import override

from tests.processes import LIMIT, ROOT, Process, running

VIEWS: Final = Path(__file__).parent / "project" / "views.py"

_UVICORN = ("-m", "uvicorn", "tests.panels.project.asgi:application", "--port", "0")
_RUNSERVER = ("-m", "django", "runserver", "--noreload", "127.0.0.1:0")
# A server: its command, and whether the middleware are all sync.
SERVERS: Final[dict[str, tuple[tuple[str, ...], str | None]]] = {
    "uvicorn": (_UVICORN, None),
    "uvicorn, sync middleware": (_UVICORN, "yes"),
    "runserver": (_RUNSERVER, None),
}


@final
class Site:
    """One that serves."""

    def __init__(self, server: str, process: Process, browser: httpx.Client) -> None:
        self.server = server
        self.process = process
        self.browser = browser

    @property
    def is_wsgi(self) -> bool:
        return self.server == "runserver"

    def get(self, url: str) -> httpx.Response:
        """A page, which has to be there."""
        response = self.browser.get(url)
        assert response.status_code == 200, self.process.output
        return response

    def panel(self, response: httpx.Response) -> str:
        """The panel's content for that request, as the toolbar's script fetches it."""
        request_id = response.headers["djdt-request-id"]
        rendered = self.get(
            f"/__debug__/render_panel/?request_id={request_id}&panel_id=LifespanPanel"
        )
        content: str = rendered.json()["content"]
        return content

    def fetched(self, response: httpx.Response) -> list[list[str]]:
        """The rows of the first table: name, class, times, place."""
        tables = tables_of(self.panel(response))
        return tables[0][1:] if tables[0][0][0] == "Name" else []


@contextmanager
def serving(
    server: str, place: str | None = None, **variables: str | None
) -> Generator[Site, None, None]:
    """The project under *server*, with our middleware *before* the toolbar's, *after*
    it, or not at all."""
    command, sync = SERVERS[server]
    with running(
        *command,
        folder=ROOT,
        PYTHONUNBUFFERED="1",
        DJANGO_SETTINGS_MODULE="tests.panels.project.settings",
        PLACE=place,
        SYNC=sync,
        **variables,
    ) as process:
        address = process.until(r"(http://127\.0\.0\.1:[1-9]\d+)")
        with httpx.Client(
            base_url=address,
            timeout=LIMIT,
            trust_env=False,
            headers={"Connection": "close"},
        ) as browser:
            yield Site(server, process, browser)


def place_of(comment: str) -> str:
    """The line of the views that ends in *comment*, as the panel shows it."""
    lines = VIEWS.read_text().splitlines()
    (number,) = (n for n, line in enumerate(lines, 1) if line.endswith(f"# {comment}"))
    return f"{VIEWS.relative_to(ROOT)}:{number}"


class _Tables(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self._cell = False

    @override
    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in {"td", "th"}:
            self.tables[-1][-1].append("")
            self._cell = True

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self._cell = False

    @override
    def handle_data(self, data: str) -> None:
        if self._cell:
            self.tables[-1][-1][-1] += data


def tables_of(content: str) -> list[list[list[str]]]:
    """The text of each cell of each row of each table."""
    parser = _Tables()
    parser.feed(content)
    parser.close()
    return parser.tables
