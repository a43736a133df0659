"""What the status page says."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import html
import re
import subprocess
import sys
import threading
from collections.abc import Generator
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from django.test import RequestFactory, override_settings

from django_lifespan_typed import Lifespan, Registry, StateKey, lifespan_resource
from django_lifespan_typed._runtime.lookup import current_lifespan
from django_lifespan_typed.status_page.page import _checked_at, _health_of, _page
from tests.processes import LIMIT, environment

from .conftest import GUNICORN, PLAIN, Serve, log_in

SECRET = "sesame"
TAGS = re.compile(r"<style>.*?</style>|<[^>]*>", re.DOTALL)


class Markup(HTMLParser):
    """What a browser takes for markup, and for text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def shown() -> str:
    """The page of what runs here."""
    return _page(RequestFactory().get("/lifespan/")).content.decode()


def words(page: str) -> str:
    """What a person reads of *page*, spaces made one."""
    text = html.unescape(TAGS.sub("", page.replace("</t", " </t")))
    return re.sub(r"\s+", " ", text)


def raised(error: BaseException) -> None:
    raise error


def test_each_resource_has_a_line(registry: Registry) -> None:
    """A line says phase, health, times, needs and place of a resource."""

    @lifespan_resource("pool", registry=registry)
    def pool() -> Generator[int]:
        yield 1

    pool.health(lambda _: True)

    @lifespan_resource("shop", needs=(pool,), registry=registry, optional=True)
    def shop(one: int) -> Generator[int]:
        yield one

    with Lifespan(registry):
        page = words(shown())

    seconds = r"(<1 ms|[\d.]+ m?s)"
    place = r"\S*test_content\.py:\d+"
    assert re.search(
        rf"pool ● running ● passin {seconds} {seconds} {seconds} – {place} "
        rf"shopoptional ● running ● pass {seconds} {seconds} pool {place} ",
        page,
    ), page
    assert "● 2 running" in page


def test_errors_are_named_not_quoted(registry: Registry) -> None:
    """Of what failed, the class of the error is shown; never its text."""

    @lifespan_resource("broken", registry=registry, optional=True)
    def broken() -> Generator[int]:
        raise ConnectionRefusedError(SECRET)
        yield

    @lifespan_resource("sick", registry=registry)
    def sick() -> Generator[str]:
        yield SECRET

    sick.health(lambda _: raised(PermissionError(SECRET)))

    with Lifespan(registry):
        page = shown()

    assert SECRET not in page
    assert "✕ failedConnectionRefusedError ▲ warn " in words(page)
    assert re.search(r"● running ✕ failin \S+ \w+PermissionError ", words(page))


def test_a_hostile_name_is_text(registry: Registry) -> None:
    """What stands in names and needs is neither run nor read as markup."""
    evil, evil_too = '<script>alert("1")</script>', "'\"><b>{{ 7|add:7 }}"

    @lifespan_resource(evil, registry=registry)
    def first() -> Generator[int]:
        yield 1

    @lifespan_resource(evil_too, needs=(first,), registry=registry)
    def second(_: int) -> Generator[int]:
        yield 2

    with Lifespan(registry):
        page = shown()

    read = Markup(page)
    assert read.tags.isdisjoint({"script", "b"})
    assert {evil, evil_too} <= set(read.texts)
    assert any(f" {evil_too} needs {evil}." in text for text in read.texts)


def test_without_the_extra_the_needs_are_a_list(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where igraph is not installed, all else is there, and what to install."""

    @lifespan_resource("pool", registry=registry)
    def pool() -> Generator[int]:
        yield 1

    @lifespan_resource("shop", needs=(pool,), registry=registry)
    def shop(one: int) -> Generator[int]:
        yield one

    monkeypatch.setitem(sys.modules, "igraph", None)

    with Lifespan(registry):
        page = shown()

    assert page.count("<svg") == 1  # the waterfall
    assert "<li><code>pool</code></li>\n<li><code>shop</code></li>" in page
    assert 'pip install "django-lifespan-typed[status]"' in words(page)


def test_resources_without_needs_have_no_graph(registry: Registry) -> None:
    """Where nobody needs anybody, that is said."""

    @lifespan_resource("pool", registry=registry)
    def pool() -> Generator[int]:
        yield 1

    with Lifespan(registry):
        page = shown()

    assert page.count("<svg") == 1
    assert "No resource needs another." in page


def test_no_resources(registry: Registry) -> None:
    """A lifespan of nothing says how to declare something."""
    with Lifespan(registry):
        page = shown()

    assert "<svg" not in page
    assert "It runs, and nothing is registered in it." in page
    assert "@lifespan_resource" in page


def test_a_failed_start(registry: Registry) -> None:
    """After a failed start the page names the class of the error."""

    @lifespan_resource("broken", registry=registry)
    def broken() -> Generator[int]:
        raise ConnectionRefusedError(f"{SECRET}: no")
        yield

    with pytest.raises(ConnectionRefusedError), Lifespan(registry):
        pass
    page = shown()

    assert "The last start failed with ConnectionRefusedError. The log has" in page
    assert SECRET not in page


def test_several_lifespans(registry: Registry) -> None:
    """A thread that belongs to none of several lifespans is told so."""
    ready, over = threading.Barrier(2), threading.Event()

    async def elsewhere() -> None:
        async with Lifespan(registry):
            ready.wait(60)
            over.wait(60)

    other = threading.Thread(target=asyncio.run, args=(elsewhere(),))
    pages: list[str] = []
    with Lifespan(Registry()):
        other.start()
        ready.wait(60)
        stranger = threading.Thread(target=lambda: pages.append(shown()))
        stranger.start()
        stranger.join()
        over.set()
        other.join()

    assert "Several lifespans run in this process" in pages[0]


async def test_a_lifespan_on_another_loop(registry: Registry) -> None:
    """Code on a loop without a lifespan is told that there is one elsewhere."""
    ready, over = threading.Event(), threading.Event()

    def elsewhere() -> None:
        with Lifespan(registry):
            ready.set()
            over.wait(60)

    other = threading.Thread(target=elsewhere)
    other.start()
    ready.wait(60)

    page = shown()

    over.set()
    other.join()
    assert "It runs on another event loop than that of this request." in page


FORKING = """
import os
import django
django.setup()
from django.test import RequestFactory
from django_lifespan_typed import Lifespan, Registry
from django_lifespan_typed.status_page.page import _page

with Lifespan(Registry()):
    child = os.fork()
    if not child:
        print(_page(RequestFactory().get("/")).content.decode(), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    print("parent", os.getpid())
"""


def test_a_fork_of_what_runs() -> None:
    """A fork has none of its parent's resources, and says whose they are."""
    ran = subprocess.run(
        [sys.executable, "-c", FORKING],
        env=environment(DJANGO_SETTINGS_MODULE="tests.settings"),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=True,
    )

    parent = ran.stdout.split()[-1]
    assert f"It runs in process {parent}, which this is a fork of." in ran.stdout


def test_it_is_utf_8_whatever_the_default_is(registry: Registry) -> None:
    """As its template says, and its signs need."""

    @lifespan_resource("pool", registry=registry)
    def pool() -> Generator[int]:
        yield 1

    with override_settings(DEFAULT_CHARSET="iso-8859-1"), Lifespan(registry):
        page = _page(RequestFactory().get("/lifespan/"))

    assert page["Content-Type"] == "text/html; charset=utf-8"
    assert "●" in page.content.decode()


def test_the_time_is_that_of_the_oldest_check(registry: Registry) -> None:
    """A verdict that is given again is no newer for what has no check."""
    db = StateKey[int]("db")

    @lifespan_resource(db, registry=registry)
    def pool() -> Generator[int]:
        yield 1

    pool.health(lambda _: True)

    @lifespan_resource("plain", registry=registry)
    def plain() -> Generator[int]:
        yield 1

    with override_settings(LIFESPAN={"HEALTH_CACHE": 3600}), Lifespan(registry) as _:
        lifespan = current_lifespan()
        assert lifespan is not None
        records = _health_of(lifespan)
        moved = [
            replace(record, checked_at=record.checked_at + timedelta(minutes=number))
            for number, record in enumerate(reversed(records))
        ]

    made = next(record for record in moved if record.name == "db")
    assert [record.name for record in records] == ["db", "plain"]
    assert _checked_at(moved) == f"{made.checked_at:%H:%M:%S}"
    assert _checked_at([records[1]]) == f"{records[1].checked_at:%H:%M:%S}"
    assert _checked_at([]) == ""


def test_what_has_stopped_meanwhile_has_no_health(registry: Registry) -> None:
    """A page that is made during the stop is shown without it."""

    @lifespan_resource("pool", registry=registry)
    def pool() -> Generator[int]:
        yield 1

    pool.health(lambda _: True)

    with Lifespan(registry):
        lifespan = current_lifespan()
        assert lifespan is not None
        asked = _health_of(lifespan)

    assert [record.name for record in asked] == ["pool"]
    assert _health_of(lifespan) == ()


async def test_a_view_on_the_loop_itself_asks_no_health(registry: Registry) -> None:
    """Where waiting for health would stop the loop, the page is shown without it."""

    @lifespan_resource("pool", registry=registry)
    def pool() -> Generator[int]:
        yield 1

    async with Lifespan(registry):
        page = words(shown())

    assert "● running unknown " in page
    assert "No health: the loop of the resources cannot be asked." in page


def test_where_no_lifespan_runs(serve: Serve) -> None:
    """Under Django's own handler the page says that nothing runs."""
    with serve(PLAIN) as browser:
        log_in(browser, "staff")

        page = browser.get("/lifespan/")

    assert page.status_code == 200
    assert "No lifespan runs in this process." in page.text


def test_the_policy_allows_the_style_and_nothing_else(serve: Serve) -> None:
    """The page brings a Content-Security-Policy that its one style satisfies."""
    with serve() as browser:
        log_in(browser, "staff")

        page = browser.get("/lifespan/")

    (style,) = re.findall(r"<style>(.*?)</style>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert page.headers["content-security-policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert "<script" not in page.text
    assert not re.search(r"<[^>]+\s(on\w+|style)=", page.text)


def test_no_secret_of_the_project_is_shown(serve: Serve) -> None:
    """Neither values, nor settings, nor the text of errors are on the page."""
    with serve(GUNICORN) as browser:
        log_in(browser, "staff")

        page = browser.get("/lifespan/")

    assert page.text.count('class="sign failed"') == 3
    assert SECRET not in page.text


def test_an_igraph_that_is_too_old_counts_as_none(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One from before 1.0 does not say which way an arrow goes."""

    class Old:
        def __init__(self, *_: object, **__: object) -> None: ...

        def layout_sugiyama(self, **_: object) -> list[tuple[float, float]]:
            return [(0.0, 0.0), (0.0, 1.0)]

    @lifespan_resource("pool", registry=registry)
    def pool() -> Generator[int]:
        yield 1

    @lifespan_resource("shop", needs=(pool,), registry=registry)
    def shop(one: int) -> Generator[int]:
        yield one

    monkeypatch.setitem(sys.modules, "igraph", SimpleNamespace(Graph=Old))

    with Lifespan(registry):
        page = shown()

    assert page.count("<svg") == 1  # the waterfall
    assert 'pip install "django-lifespan-typed[status]"' in words(page)
