"""The pages of the demo."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from websockets import Origin
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from example_site.book_service.shelf import SHELF
from tests.processes import LIMIT, reserved_port

from .demo import Demo, running_demo, token

MOBY_DICK = {
    "number": 14,
    "title": "Moby-Dick",
    "author": "Herman Melville",
    "year": 1851,
    "opening": "Call me Ishmael.",
}


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/", 200, f"{len(SHELF)} books"),
        ("/books/6/", 200, "<h1>Frankenstein</h1>"),
        ("/?q=%3Cb%3E", 200, "No book has “&lt;b&gt;” in its title or author."),
        ("/books/400/", 404, "<p>The library has no book with the number 400.</p>"),
        ("/api/books/400/", 404, "The library has no book with the number 400."),
        ("/source/mcp/", 200, "example_site/library/lifespan.py"),
        ("/source/nothing/", 404, "The library has no resource with the name nothing."),
        ("/no/such/page/", 404, "The library has no page at this address."),
    ],
)
def test_a_page_has_its_content(
    path: str, status: int, text: str, browser: httpx.Client
) -> None:
    page = browser.get(path)

    assert page.status_code == status
    assert text in page.text


def test_the_first_page_links_to_everything_behind_the_library(
    browser: httpx.Client,
) -> None:
    page = browser.get("/")

    links = re.findall(
        r'href="(/(?:source|lifespan|livez|readyz|static)[^"]*)"', page.text
    )
    names = [link.split("/")[2] for link in links if link.startswith("/source/")]
    assert {"httpx_client", "catalogue", "mcp", "daily_catalogue"} <= {*names}
    assert {"/lifespan/", "/livez", "/readyz"} <= {*links}
    assert "/static/library/favicon.svg" in page.text
    for_others = browser.get("/favicon.ico", follow_redirects=True)
    assert for_others.headers["content-type"] == "image/svg+xml"
    for link in links:
        assert browser.get(link).status_code in {200, 302}, link


def test_a_search_finds_books_with_all_words(browser: httpx.Client) -> None:
    page = browser.get("/", params={"q": " AUSTEN  emma "})

    assert re.findall(r"/books/(\d+)/", page.text) == ["5"]


def test_a_search_uses_only_the_beginning_of_long_text(browser: httpx.Client) -> None:
    answer = browser.get("/api/books/", params={"q": "moby " * 2_000})

    assert answer.json()["books"] == [MOBY_DICK]


def test_a_sync_view_uses_the_async_resource_repeatedly(browser: httpx.Client) -> None:
    pages = [browser.get("/authors/") for _ in range(3)]

    assert [page.status_code for page in pages] == [200, 200, 200]
    names = re.findall(r"<h2>(.+)</h2>", pages[-1].text)
    assert names == sorted({book.author for book in SHELF.values()})


def test_a_manager_keeps_its_value_between_requests(browser: httpx.Client) -> None:
    first, second = (browser.get("/visits/").text for _ in range(2))

    before, after = (
        int(re.findall(r"opened (\d+) times?", page)[0]) for page in (first, second)
    )
    assert after == before + 1


def test_the_json_api_has_the_same_books(browser: httpx.Client) -> None:
    books = browser.get("/api/books/", params={"q": "moby"}).json()["books"]
    book = browser.get("/api/books/14/").json()
    authors = browser.get("/api/authors/").json()["authors"]

    assert books == [book] == [MOBY_DICK]
    assert {"name": "Herman Melville", "books": [book]} in authors


def test_staff_see_the_status_page_after_login(browser: httpx.Client) -> None:
    probe = browser.get("/readyz")
    to_login = browser.get("/lifespan/")
    form = browser.get(to_login.headers["Location"])
    login = {"username": "demo", "password": "demo"}
    page = browser.post(
        form.url,
        data={**login, "csrfmiddlewaretoken": token(form)},
        follow_redirects=True,
    )

    checks = {name: check for name, (check,) in probe.json()["checks"].items()}
    assert checks["catalogue"]["status"] == "pass"
    for name in "change_window", "daily_catalogue":
        assert checks[name]["status"] == "pass"
        assert checks[name]["task"] in {"running", "waiting"}
        assert name in page.text
    assert page.text.count("task: ") == 2
    assert to_login.status_code == 302
    assert page.url.path == "/lifespan/"
    for name in "book_service", "httpx_client", "catalogue", "window", "mcp":
        assert name in page.text


def test_a_background_task_writes_the_daily_catalogue(
    demo: Demo, browser: httpx.Client
) -> None:
    file = demo.folder / "catalogue.json"
    while not file.exists():  # the task does not delay the startup
        assert browser.get("/livez").status_code == 200

    written = json.loads(file.read_text("utf-8"))

    assert [book["number"] for book in written["books"]] == [*SHELF]


def test_a_form_or_websocket_of_another_site_is_refused(
    demo: Demo, browser: httpx.Client
) -> None:
    assert browser.post("/books/5/keep/").status_code == 403

    with (
        pytest.raises(InvalidStatus) as raised,
        connect(demo.socket_url, proxy=None, origin=Origin("http://evil.example")),
    ):
        pass
    assert raised.value.response.status_code == 403


@pytest.mark.parametrize(
    "message",
    [
        pytest.param('{"read": "Emma"}', id="not a number"),
        pytest.param('{"search": "\\ud800"}', id="half a character"),
        pytest.param("Emma", id="not JSON"),
        pytest.param(b"\x00", id="bytes"),
        pytest.param("[" * 100_000, id="too deep"),
        pytest.param('{"read": ' + "9" * 5_000 + "}", id="too large"),
    ],
)
def test_a_wrong_websocket_message_is_answered(
    message: str | bytes, demo: Demo
) -> None:
    with connect(demo.socket_url, proxy=None, origin=demo.origin) as live:
        live.send(message)
        while "error" not in (answer := json.loads(live.recv(LIMIT))):
            pass

    assert answer == {"error": "Send read or search."}


def test_visitors_keep_books_concurrently(browser: httpx.Client) -> None:
    """SQLite allows one writer; the others wait for it."""
    form = browser.get("/books/9/")
    secret = {"csrfmiddlewaretoken": token(form)}

    def keep(number: int) -> int:
        data = {**secret, "note": f"note {number}"}
        return browser.post(f"/books/{7 + number % 3}/keep/", data=data).status_code

    with ThreadPoolExecutor(12) as threads:
        codes = [*threads.map(keep, range(48))]
    for number in 7, 8, 9:
        browser.post(f"/books/{number}/forget/", data=secret)

    assert codes == [302] * 48


def test_the_debug_toolbar_shows_the_resources_of_a_request() -> None:
    with running_demo(DEBUG="1") as demo, demo.client() as client:
        page = client.get("/")

    assert 'id="djDebug"' in page.text
    assert re.search(r"Lifespan\s*<br\s*/?>\s*<small>2 looked up</small>", page.text)


def test_without_the_book_service_pages_answer_502_with_advice() -> None:
    url = f"http://127.0.0.1:{reserved_port()}"
    with running_demo(BOOK_SERVICE_URL=url) as demo, demo.client() as client:
        page = client.get("/")
        sync_page = client.get("/authors/")
        answer = client.get("/api/books/6/")
        without_books = client.get("/visits/")

    assert page.status_code == sync_page.status_code == answer.status_code == 502
    assert f"The book service at {url} cannot be reached" in page.text
    assert answer.json()["advice"] in page.text
    assert without_books.status_code == 200
