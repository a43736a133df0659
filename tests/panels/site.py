"""The project under a server, and the content of its panel."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final, final

import httpx
from typing_extensions import override

from tests.processes import LIMIT, ROOT, Process, running

SETTINGS: Final = "tests.panels.project.settings"
VIEWS: Final = Path(__file__).parent / "project" / "views.py"
SHELF: Final = "tests.panels.project.lifespan.Shelf"
LAMP: Final = "tests.panels.project.lifespan.Lamp"

_UVICORN = ("-m", "uvicorn", "tests.panels.project.asgi:application", "--port", "0")
_RUNSERVER = ("-m", "django", "runserver", "--noreload", "127.0.0.1:0")
# The command, and whether all middleware is sync.
SERVERS: Final[dict[str, tuple[tuple[str, ...], str | None]]] = {
    "uvicorn": (_UVICORN, None),
    "uvicorn, sync middleware": (_UVICORN, "yes"),
    "runserver": (_RUNSERVER, None),
}


@final
class Site:
    """The project under one server."""

    def __init__(self, server: str, process: Process, browser: httpx.Client) -> None:
        self.server = server
        self.process = process
        self.browser = browser

    def get(self, url: str, **headers: str) -> httpx.Response:
        response = self.browser.get(url, headers=headers)
        assert response.status_code == 200, self.process.output
        return response

    def panel(self, response: httpx.Response) -> str:
        """The panel of the request that *response* answers."""
        request_id = response.headers["djdt-request-id"]
        rendered = self.get(
            f"/__debug__/render_panel/?request_id={request_id}&panel_id=LifespanPanel"
        )
        content: str = rendered.json()["content"]
        return content

    def lookups(self, response: httpx.Response) -> list[list[str]]:
        """The rows of the first table: name, type, count, location."""
        tables = tables_of(self.panel(response))
        return tables[0][1:] if tables[0][0][0] == "Name" else []


@contextmanager
def serving(server: str, **variables: str | None) -> Generator[Site, None, None]:
    command, sync = SERVERS[server]
    with running(
        *command,
        folder=ROOT,
        PYTHONUNBUFFERED="1",
        DJANGO_SETTINGS_MODULE=SETTINGS,
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


def line_of(comment: str) -> str:
    """The location of the line of the views that ends in *comment*."""
    lines = VIEWS.read_text("utf-8").splitlines()
    (number,) = (n for n, line in enumerate(lines, 1) if line.endswith(f"# {comment}"))
    return f"{VIEWS.relative_to(ROOT)}:{number}"


class _Tables(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self._is_in_cell = False

    @override
    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in {"td", "th"}:
            self.tables[-1][-1].append("")
            self._is_in_cell = True

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self._is_in_cell = False

    @override
    def handle_data(self, data: str) -> None:
        if self._is_in_cell:
            self.tables[-1][-1][-1] += data


def tables_of(content: str) -> list[list[list[str]]]:
    """The text of each cell of each row of each table."""
    parser = _Tables()
    parser.feed(content)
    parser.close()
    return parser.tables
