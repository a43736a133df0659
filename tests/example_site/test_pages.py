"""What the demo serves, page by page."""

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
from tests.processes import LIMIT

from .demo import Demo, running_demo, token


def test_the_index_shows_every_book(browser: httpx.Client) -> None:
    """Typed resource, async view: all that the book service has."""
    page = browser.get("/")

    assert page.status_code == 200
    assert "Frankenstein" in page.text
    assert f"{len(SHELF)} books" in page.text


def test_a_search_shows_the_books_with_all_words(browser: httpx.Client) -> None:
    """The words are looked for in title and author together."""
    page = browser.get("/", params={"q": " AUSTEN  emma "})

    assert page.status_code == 200
    assert re.findall(r"/books/(\d+)/", page.text) == ["5"]


def test_a_search_without_a_find_says_so(browser: httpx.Client) -> None:
    """The words come back escaped, with a way on."""
    page = browser.get("/", params={"q": "<b>"})

    assert page.status_code == 200
    assert "No book has “&lt;b&gt;” in its title or author." in page.text
    assert '<a href="/">See all books</a>' in page.text


def test_a_book_has_a_page(browser: httpx.Client) -> None:
    """Title, author, year, and how it begins."""
    page = browser.get("/books/6/")

    assert page.status_code == 200
    assert "<h1>Frankenstein</h1>" in page.text
    assert ">Mary Shelley</a>, 1818</p>" in page.text
    assert "You will rejoice to hear that no disaster" in page.text


def test_an_unknown_book_is_404(browser: httpx.Client) -> None:
    """The page says which book, the JSON the same."""
    page = browser.get("/books/400/")
    answer = browser.get("/api/books/400/")

    said = "The library has no book of the number 400."
    assert page.status_code == answer.status_code == 404
    assert f"<p>{said}</p>" in page.text
    assert answer.json() == {"error": said}


def test_an_unknown_address_is_404(browser: httpx.Client) -> None:
    """Without Django's list of what it tried."""
    page = browser.get("/no/such/page/")

    assert page.status_code == 404
    assert "The library has no page at this address." in page.text


def test_a_sync_view_uses_the_async_resource(browser: httpx.Client) -> None:
    """More than once: a client bound to a closed loop would fail the second time."""
    pages = [browser.get("/authors/") for _ in range(3)]

    assert [page.status_code for page in pages] == [200, 200, 200]
    names = re.findall(r"<h2>(.+)</h2>", pages[-1].text)
    assert names == sorted({book.author for book in SHELF.values()})


def test_a_legacy_manager_keeps_its_value_between_requests(
    browser: httpx.Client,
) -> None:
    """``request.state["visits"]`` is the same object for every request."""
    first, second = (browser.get("/visits/").text for _ in range(2))

    before, after = (
        int(re.findall(r"opened (\d+) times?", page)[0]) for page in (first, second)
    )
    assert after == before + 1


def test_json_has_the_same_books(browser: httpx.Client) -> None:
    """For programs: a list, one book, and the authors from a sync view."""
    books = browser.get("/api/books/", params={"q": "moby"}).json()["books"]
    book = browser.get("/api/books/14/").json()
    authors = browser.get("/api/authors/").json()["authors"]

    assert books == [book]
    assert book == {
        "number": 14,
        "title": "Moby-Dick",
        "author": "Herman Melville",
        "year": 1851,
        "opening": "Call me Ishmael.",
    }
    assert {"name": "Herman Melville", "books": [book]} in authors


def test_probes_and_status_say_how_it_is(demo: Demo, browser: httpx.Client) -> None:
    """Anybody may probe; the page is for staff, and `make demo` made somebody."""
    probe = browser.get("/readyz")
    to_login = browser.get("/lifespan/")
    form = browser.get(to_login.headers["Location"])
    secret = {"username": "demo", "password": "demo"}
    page = browser.post(
        form.url,
        data={**secret, "csrfmiddlewaretoken": token(form)},
        follow_redirects=True,
    )

    assert probe.json()["checks"]["catalogue"][0]["status"] == "pass"
    assert to_login.status_code == 302
    assert page.url.path == "/lifespan/"
    for name in "book_service", "httpx_client", "catalogue", "window", "mcp":
        assert name in page.text


def test_a_form_of_another_site_is_refused(browser: httpx.Client) -> None:
    """Nothing is kept without the token of a page."""
    assert browser.post("/books/5/keep/").status_code == 403


def test_a_websocket_of_another_site_is_refused(demo: Demo) -> None:
    """A page elsewhere cannot look into the reading room."""
    with (
        pytest.raises(InvalidStatus) as raised,
        connect(demo.socket_url, proxy=None, origin=Origin("http://evil.example")),
    ):
        pass

    assert raised.value.response.status_code == 403


@pytest.mark.parametrize(
    "nonsense",
    [
        pytest.param('{"read": "Emma"}', id="no number"),
        pytest.param('{"search": "\\ud800"}', id="half a character"),
        pytest.param("Emma", id="no JSON"),
        pytest.param("", id="nothing"),
        pytest.param(b"\x00", id="bytes"),
        pytest.param("[" * 100_000, id="too deep"),
        pytest.param('{"read": ' + "9" * 5_000 + "}", id="too large a number"),
    ],
)
def test_what_a_live_page_may_say_is_said(nonsense: str | bytes, demo: Demo) -> None:
    """Anything else is answered, and the connection goes on."""
    with connect(demo.socket_url, proxy=None, origin=demo.origin) as live:
        live.send(nonsense)
        while "error" not in (said := json.loads(live.recv(LIMIT))):
            pass

    assert said == {"error": "A page says read, or search."}


def test_a_long_search_is_one_for_its_beginning(browser: httpx.Client) -> None:
    """The book service, which is asked by URL, is not to blame."""
    answer = browser.get("/api/books/", params={"q": "moby " * 12_000})

    assert [book["number"] for book in answer.json()["books"]] == [14]


def test_visitors_keep_books_at_the_same_time(browser: httpx.Client) -> None:
    """SQLite has one writer at a time; the others wait for it."""
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


def test_the_toolbar_shows_what_a_request_fetched() -> None:
    """``make demo DEBUG=1``, where django-debug-toolbar is installed."""
    with running_demo(DEBUG="1") as demo, demo.client() as client:
        page = client.get("/")

    assert page.status_code == 200
    assert 'id="djDebug"' in page.text
    assert re.search(r"Lifespan\s*<br\s*/?>\s*<small>2 fetched</small>", page.text)
