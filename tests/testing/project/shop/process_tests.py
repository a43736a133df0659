"""Overrides for a live server that is another process."""

from __future__ import annotations

import multiprocessing
import os
from urllib.request import urlopen

from channels.testing import ChannelsLiveServerTestCase
from shop.lifespan import FakeHttp, http

from django_lifespan_typed.testing import override_state

multiprocessing.set_start_method(os.environ["START_METHOD"], force=True)


class ProcessTests(ChannelsLiveServerTestCase):
    """Tests of the shop in a process."""

    host = "127.0.0.1"
    name = b"real"

    def test_live(self) -> None:
        for path in ("sync", "fetched"):
            with urlopen(f"{self.live_server_url}/{path}/", timeout=60) as response:
                assert response.read() == self.name


@override_state(http, FakeHttp())
class OverriddenTests(ProcessTests):
    """The same tests, with a fake."""

    name = b"fake"


class MethodTests(ProcessTests):
    """Overrides that begin before and after the server."""

    @classmethod
    @override_state(http, FakeHttp())
    def setUpClass(cls) -> None:
        super().setUpClass()

    @override_state(http, FakeHttp())
    def test_live(self) -> None: ...

    @override_state(http, FakeHttp())
    async def test_async(self) -> None: ...

    def test_block(self) -> None:
        with override_state(http, FakeHttp()) as fake:
            assert fake.name == "fake"
