"""Under load, recycling, reloads and SIGTERM: nothing is lost, nothing is left open."""

from __future__ import annotations

import pytest

from .treatment import ROUNDS, TREATMENTS, Treatment, put_through

# Far more than it takes: most of it is the start of workers on a busy machine.
pytestmark = pytest.mark.timeout(300 + 60 * ROUNDS)

# A connection that was closed before its request was handed to any application. The
# server, or the kernel for it, took it at the moment when a worker ended.
OUT_OF_REACH = {"reset", "closed"}

# The order in which a lifespan hangs up: what needs the first line goes before it.
ORDERS = (["shop", "till", "db"], ["till", "shop", "db"])


@pytest.mark.parametrize(
    "treatment", [pytest.param(each, id=each.name) for each in TREATMENTS]
)
def test_nothing_is_lost_that_plain_django_would_not_lose(treatment: Treatment) -> None:
    """
    Every request that the server hands over is answered, by 200; what it drops itself,
    it drops for plain Django too. Every line of every worker ends in a goodbye, in the
    order of the plan. Plain Django's do not, so the ledger would know. granian's
    workers are recycled under ``make soak`` alone: by age, of a minute at least.
    """
    plain = put_through(treatment, "plain")
    ours = put_through(treatment, "with_lifespan")

    for report in (plain, ours):
        assert report.unanswered == set(), report.output
        assert report.lost_by_the_server <= OUT_OF_REACH, report.kinds
        assert report.code == treatment.server.stopped, report.output
        assert report.busy_at_the_end
    assert {entry.status for entry in plain.entries} == {"dropped"}
    assert {entry.status for entry in ours.entries} == {"closed"}, ours.entries
    farewells = ours.farewells_by_worker()
    assert farewells.keys() == {entry.pid for entry in ours.entries}
    assert [each for each in farewells.values() if each not in ORDERS] == []
