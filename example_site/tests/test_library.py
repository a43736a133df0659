"""Tests for Django's test runner: ``example_site/manage.py test example_site``."""

from __future__ import annotations

from django.test import TestCase

from django_lifespan_typed.testing import LifespanTestCase, override_state
from example_site.library.keys import BOOK_SERVICE
from example_site.library.lifespan import catalogue, httpx_client
from example_site.library.models import Entry

from .fakes import FAKE_CLIENT, NOWHERE


class RealBooks(LifespanTestCase, TestCase):
    """All resources run, with the book service as a process."""

    async def test_the_catalogue_finds_a_book(self) -> None:
        found = await self.state[catalogue].find(14)

        assert found is not None
        assert found.opening == "Call me Ishmael."

    def test_the_first_page_shows_every_book(self) -> None:
        self.assertContains(self.client.get("/"), "40 books")


@override_state(httpx_client, FAKE_CLIENT)
class OneBook(LifespanTestCase, TestCase):
    """The client is a fake, so the book service does not start."""

    def test_the_service_does_not_run(self) -> None:
        assert BOOK_SERVICE not in self.state

    def test_the_first_page_shows_the_book(self) -> None:
        page = self.client.get("/")

        self.assertContains(page, "1 book<")
        self.assertContains(page, "Emma")

    async def test_a_kept_book_is_on_the_reading_list(self) -> None:
        kept = await self.async_client.post("/books/5/keep/", {"note": "Again"})
        page = await self.async_client.get("/reading-list/")

        assert kept.headers["Location"] == "/reading-list/"
        self.assertContains(page, "Emma")
        self.assertContains(page, "Again")

    async def test_a_book_is_kept_once(self) -> None:
        for note in "Again", "And again":
            await self.async_client.post("/books/5/keep/", {"note": note})

        entry = await Entry.objects.aget()
        assert entry.note == "And again"

    async def test_a_forgotten_book_is_off_the_list(self) -> None:
        await Entry.objects.acreate(number=5)

        await self.async_client.post("/books/5/forget/")

        assert not await Entry.objects.aexists()

    async def test_an_unknown_book_cannot_be_kept(self) -> None:
        answer = await self.async_client.post("/books/6/keep/")

        assert answer.status_code == 404

    def test_a_book_is_not_kept_by_a_link(self) -> None:
        assert self.client.get("/books/5/keep/").status_code == 405


class NoBooks(LifespanTestCase, TestCase):
    """An override may apply to one test."""

    @override_state(BOOK_SERVICE, NOWHERE)
    def test_a_service_out_of_reach_is_502(self) -> None:
        page = self.client.get("/books/5/")

        self.assertContains(page, "The books are out of reach", status_code=502)

    @override_state(BOOK_SERVICE, NOWHERE)
    def test_a_service_out_of_reach_is_not_ready(self) -> None:
        answer = self.client.get("/readyz")

        self.assertContains(answer, "BookServiceError", status_code=503)
