"""The content of the status page."""

from __future__ import annotations

import asyncio
import html
import re
import threading
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django_lifespan_typed import Lifespan, Registry, lifespan_resource
from django_lifespan_typed.status_page.content import checked_at, health_of
from tests.journaling import Add

from .conftest import Show

SECRET = "sesame"
TAGS = re.compile(r"<style>.*?</style>|<[^>]*>", re.DOTALL)


def words(page: Any) -> str:
    """The text of a page, with single spaces."""
    text = TAGS.sub(" ", page.content.decode())
    return re.sub(r"\s+", " ", html.unescape(text))


def test_each_resource_has_a_row(registry: Registry, add: Add, show: Show) -> None:
    pool = add("pool", health=lambda _: True)
    add("shop", pool, optional=True)

    with Lifespan(registry):
        text = words(show())

    time = r"(<1 ms|[\d.]+ m?s)"
    location = r"\S*journaling\.py:\d+"
    assert re.search(
        rf"pool ● running ● pass in {time} {time} {time} – {location} "
        rf"shop optional ● running ● pass {time} {time} pool {location} ",
        text,
    ), text
    assert "● 2 running" in text
    assert "shop depends on pool." in text


def test_errors_are_shown_by_type_only(
    registry: Registry, add: Add, show: Show
) -> None:
    def fail(_: str) -> None:
        raise PermissionError(SECRET)

    @lifespan_resource("broken", optional=True, registry=registry)
    async def broken() -> str:
        raise ConnectionRefusedError(SECRET)

    add("unhealthy", health=fail)

    with Lifespan(registry):
        page = show()

    assert SECRET not in page.content.decode()
    assert "✕ failed ConnectionRefusedError ▲ warn " in words(page)
    assert re.search(r"● running ✕ fail in .+? PermissionError ", words(page))


def test_markup_in_names_is_escaped(registry: Registry, add: Add, show: Show) -> None:
    first = add('<script>alert("1")</script>')
    add("'\"><b>{{ 7|add:7 }}", first)

    with Lifespan(registry):
        page = show().content.decode()

    assert "<script" not in page
    assert "<b>" not in page
    assert "{{ 7|add:7 }}" in html.unescape(page)


def test_a_lifespan_without_resources_says_how_to_declare_one(
    registry: Registry, show: Show
) -> None:
    with Lifespan(registry):
        page = show().content.decode()

    assert "<svg" not in page
    assert "no resources are registered" in page
    assert "@lifespan_resource" in page


def test_without_a_lifespan_the_page_says_what_to_use(show: Show) -> None:
    assert "No lifespan runs for this request." in words(show())


def test_one_of_several_lifespans_is_not_chosen(show: Show) -> None:
    async def run(ready: threading.Event, over: threading.Event) -> None:
        async with Lifespan(Registry()):
            ready.set()
            await asyncio.to_thread(over.wait, 60)

    over = threading.Event()
    with ExitStack() as stack:
        for _ in range(2):
            ready = threading.Event()
            thread = threading.Thread(target=asyncio.run, args=(run(ready, over),))
            thread.start()
            stack.callback(thread.join)
            ready.wait(60)
        stack.callback(over.set)

        assert "Several lifespans run in this process" in words(show())


def test_checked_at_is_the_time_of_the_oldest_check(
    registry: Registry, add: Add
) -> None:
    add("db", health=lambda _: True)
    add("plain")
    lifespan = Lifespan(registry)

    with lifespan:
        db, plain = health_of(lifespan)
    db = replace(db, checked_at=db.checked_at + timedelta(minutes=1))

    # The record of a resource without a check is always of now.
    assert checked_at([plain, db]) == f"{db.checked_at:%H:%M:%S}"
    assert checked_at([plain]) == f"{plain.checked_at:%H:%M:%S}"
    assert checked_at([]) == ""


def test_after_the_shutdown_there_is_no_health(registry: Registry, add: Add) -> None:
    add("pool", health=lambda _: True)
    lifespan = Lifespan(registry)

    with lifespan:
        assert [record.name for record in health_of(lifespan)] == ["pool"]
    assert health_of(lifespan) == ()


async def test_a_view_on_the_event_loop_cannot_wait_for_health_checks(
    registry: Registry, add: Add, show: Show
) -> None:
    add("pool")

    async with Lifespan(registry):
        text = words(show())

    assert "● running unknown " in text
    assert "The health checks could not be made" in text
