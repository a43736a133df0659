"""Tests of the shop, with Django's test cases."""

from __future__ import annotations

import asyncio
from urllib.request import urlopen

from django.db import connection
from django.test import (
    LiveServerTestCase,
    SimpleTestCase,
    TestCase,
    TransactionTestCase,
)
from shop.journal import journal
from shop.lifespan import FakeHttp, catalogue, http
from shop.models import Book

from django_lifespan_typed import current_state
from django_lifespan_typed.testing import (
    LifespanTestCase,
    override_state,
)

FOUND = {"books": ["Moby-Dick"], "http": "real"}


class ViewTests(LifespanTestCase, TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        Book.objects.create(title="Moby-Dick")

    def setUp(self) -> None:
        super().setUp()
        assert current_state() is self.state

    def tearDown(self) -> None:
        fake = "overridden" in self._testMethodName
        assert current_state()[http].name == ("fake" if fake else "real")

    def test_sync(self) -> None:
        assert self.client.get("/sync/").content == b"real"
        assert self.lifespan.call(self.state[http].get) == "real"

    def test_async_view_in_the_transaction(self) -> None:
        assert connection.in_atomic_block
        assert self.client.get("/books/").json() == FOUND

    async def test_async(self) -> None:
        assert self.lifespan.loop is asyncio.get_running_loop()
        assert current_state() is self.state
        assert await self.state[http].get() == "real"

    async def test_async_in_the_transaction(self) -> None:
        await Book.objects.acreate(title="Walden")
        assert await Book.objects.acount() == 2
        response = await self.async_client.get("/books/")
        assert response.json() == {**FOUND, "books": ["Moby-Dick", "Walden"]}

    def test_rolled_back(self) -> None:
        assert Book.objects.count() == 1

    @override_state(http, FakeHttp())
    def test_overridden(self) -> None:
        assert self.client.get("/fetched/").content == b"fake"

    @override_state(http, FakeHttp())
    async def test_overridden_async(self) -> None:
        response = await self.async_client.get("/fetched/")
        assert response.content == b"fake"


@override_state(http, FakeHttp())
class OverriddenTests(LifespanTestCase, SimpleTestCase):
    async def test_dependents_have_the_fake(self) -> None:
        assert self.state[catalogue].http.name == "fake"
        journal(f"overridden:{','.join(sorted(self.state))}")


class CommittedTests(LifespanTestCase, TransactionTestCase):
    async def test_committed(self) -> None:
        await Book.objects.acreate(title="Moby-Dick")
        response = await self.async_client.get("/books/")
        assert response.json() == FOUND


class LiveTests(LifespanTestCase, LiveServerTestCase):
    def test_live(self) -> None:
        with urlopen(f"{self.live_server_url}/sync/") as response:
            assert response.read() == b"real"

    def test_live_async(self) -> None:
        with urlopen(f"{self.live_server_url}/fetched/") as response:
            assert response.read() == b"real"

    @override_state(http, FakeHttp())
    def test_live_overridden(self) -> None:
        with urlopen(f"{self.live_server_url}/fetched/") as response:
            assert response.read() == b"fake"


@override_state(http, FakeHttp())
class LiveOverriddenTests(LiveServerTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        with urlopen(f"{cls.live_server_url}/sync/") as response:
            cls.served_to_set_up = response.read()

    def test_live_without_a_lifespan(self) -> None:
        assert self.served_to_set_up == b"fake"
        with urlopen(f"{self.live_server_url}/sync/") as response:
            assert response.read() == b"fake"
