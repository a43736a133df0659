"""What the demo serves, page by page."""

from __future__ import annotations

import re

import httpx


def test_the_index_shows_every_book(browser: httpx.Client) -> None:
    """Typed resource, async view: all that the book service has."""
    page = browser.get("/")

    assert page.status_code == 200
    assert "Frankenstein" in page.text
    assert "51 books" in page.text


def test_a_search_shows_the_books_with_all_words(browser: httpx.Client) -> None:
    """The words are looked for in title and author together."""
    page = browser.get("/", params={"q": " AUSTEN  emma "})

    assert page.status_code == 200
    assert re.findall(r"/books/(\d+)/", page.text) == ["158"]


def test_a_search_without_a_find_says_so(browser: httpx.Client) -> None:
    """The words come back escaped, with a way on."""
    page = browser.get("/", params={"q": "<b>"})

    assert page.status_code == 200
    assert "No book has “&lt;b&gt;” in its title or author." in page.text
    assert '<a href="/">See all books</a>' in page.text


def test_a_book_has_a_page(browser: httpx.Client) -> None:
    """Title, author, year, and where to read it."""
    page = browser.get("/books/84/")

    assert page.status_code == 200
    assert "<h1>Frankenstein</h1>" in page.text
    assert "Mary Shelley, 1818" in page.text
    assert "https://www.gutenberg.org/ebooks/84" in page.text


def test_an_unknown_book_is_404(browser: httpx.Client) -> None:
    """The page says which book, the JSON the same."""
    page = browser.get("/books/4/")
    answer = browser.get("/api/books/4/")

    said = "The library has no book of the number 4."
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
    assert len(names) > 30
    assert names == sorted(names)


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
    book = browser.get("/api/books/2701/").json()
    authors = browser.get("/api/authors/").json()["authors"]

    assert books == [book]
    assert book == {
        "number": 2701,
        "title": "Moby-Dick",
        "author": "Herman Melville",
        "year": 1851,
    }
    assert {"name": "Herman Melville", "books": [book]} in authors


def test_pages_are_made_for_phones_and_for_the_dark(browser: httpx.Client) -> None:
    """What a browser needs to be told."""
    page = browser.get("/").text

    assert (
        '<meta name="viewport" content="width=device-width, initial-scale=1">' in page
    )
    assert "prefers-color-scheme: dark" in page
