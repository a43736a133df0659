"""Under load, recycling, reloads and SIGTERM: nothing is lost or left open."""

from __future__ import annotations

import pytest

from .treatment import ROUNDS, TREATMENTS, Treatment, put_through

# Long: most of it is the start of workers on a busy machine.
pytestmark = pytest.mark.timeout(300 + 60 * ROUNDS)

# "reset" and "closed": the server or the kernel took the connection when a worker
# ended, and closed it before its request reached any application.
EXPECTED = {"answered", "stale", "reset", "closed"}

# The order of goodbyes of a lifespan: "db" is the dependency of both others.
ORDERS = (["shop", "till", "db"], ["till", "shop", "db"])


@pytest.mark.parametrize("treatment", TREATMENTS, ids=lambda one: one.name)
def test_nothing_is_lost_that_plain_django_would_not_lose(treatment: Treatment) -> None:
    """
    Every request that reaches the application is answered by 200. Every line of every
    worker ends with a goodbye, in the order of the plan; those of plain Django do not.
    granian recycles workers by age, of at least a minute: in ``make soak`` only.
    """
    plain = put_through(treatment, "plain")
    ours = put_through(treatment, "with_lifespan")

    for report in (plain, ours):
        assert report.ledger.handed <= report.load.answered, report.output
        assert (+report.load.kinds).keys() <= EXPECTED, report.output
        assert report.code == treatment.server.stopped, report.output
        assert report.was_busy
    assert {entry.status for entry in plain.ledger.entries} == {"dropped"}
    entries = ours.ledger.entries
    assert {entry.status for entry in entries} == {"closed"}, entries
    farewells: dict[int, list[str]] = {}
    for pid, name in ours.ledger.farewells:
        farewells.setdefault(pid, []).append(name)
    assert farewells.keys() == {entry.pid for entry in entries}
    assert all(names in ORDERS for names in farewells.values())
