from typing import Any

import httpx

from django_lifespan_typed.testing import LifespanTestRunner, override_state

from .lifespan import http_client


def fake_client() -> httpx.AsyncClient:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, text="Emma"))
    return httpx.AsyncClient(transport=transport, base_url="http://books")


class FakesTestRunner(LifespanTestRunner):
    @classmethod
    def overrides(cls) -> list[override_state[Any]]:
        return [override_state(http_client, fake_client())]
