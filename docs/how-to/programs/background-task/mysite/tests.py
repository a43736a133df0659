import asyncio
from datetime import datetime, timezone

from django.test import SimpleTestCase

from django_lifespan_typed import TaskRecord
from django_lifespan_typed.testing import LifespanTestCase, override_state

from .lifespan import Rates, rates, refresh_rates


class FakeRates(Rates):
    def __init__(self) -> None:
        self.latest = {"EUR": 2.0}
        self.refreshed = asyncio.Event()

    async def refresh(self) -> None:
        self.refreshed.set()


class OneRunTests(SimpleTestCase):
    async def test_refreshes(self) -> None:
        fake = FakeRates()

        await refresh_rates.run(fake)  # one run, without anything else

        self.assertTrue(fake.refreshed.is_set())


MIDNIGHT = datetime(2026, 1, 1, tzinfo=timezone.utc)


@override_state(rates, FakeRates())
class ViewTests(LifespanTestCase, SimpleTestCase):
    async def test_is_on_standby_in_tests(self) -> None:
        self.assertEqual(self.state[refresh_rates].phase, "standby")

    @override_state(refresh_rates, TaskRecord("waiting", last_run=MIDNIGHT))
    async def test_shows_when_the_rates_were_refreshed(self) -> None:
        response = await self.async_client.get("/rates")

        self.assertEqual(response.json()["refreshed"], "2026-01-01T00:00:00Z")


FAKE = FakeRates()


@override_state(rates, FAKE)
class SupervisedTests(LifespanTestCase, SimpleTestCase):
    only = (refresh_rates,)  # a task that is named here runs

    async def test_runs(self) -> None:
        await asyncio.wait_for(FAKE.refreshed.wait(), timeout=10)
