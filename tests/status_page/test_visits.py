"""The status page and the way to it, for Django's test client, without a server."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.processes import LIMIT, ROOT, environment

from .conftest import SITE, manage
from .test_admin import LINK
from .test_content import words

ADMIN = "/admin/django_lifespan_typed/lifespanstatus/"

Visit: TypeAlias = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def visit(accounts: Path, tmp_path: Path) -> Visit:
    """What *who* is answered at each address, while a lifespan *runs* or not."""
    database = tmp_path / "db.sqlite3"
    shutil.copyfile(accounts, database)

    def visiting(
        who: str, *urls: str, runs: bool = True, **variables: str
    ) -> list[dict[str, Any]]:
        module = ("-m", "tests.status_page.visits")
        ran = subprocess.run(
            [sys.executable, *module, who, "runs" if runs else "stopped", *urls],
            cwd=SITE,
            env=environment(
                DJANGO_SETTINGS_MODULE="mysite.settings",
                PYTHONPATH=f"{SITE}:{ROOT}",
                DATABASE=str(database),
                SCENE="alone",
                **variables,
            ),
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return [json.loads(line) for line in ran.stdout.splitlines()]

    return visiting


@pytest.mark.parametrize("name", ["lifespan-status", ""], ids=["named", "unnamed"])
def test_staff_get_from_the_index_to_what_runs(visit: Visit, name: str) -> None:
    """The index links what leads to the page, and offers nothing to add or change."""
    index, lead, page = visit("staff", "/admin/", ADMIN, "/lifespan/", NAME=name)

    assert set(LINK.findall(index["text"])) == {ADMIN}
    assert "/add/" not in index["text"]
    assert (lead["status"], lead["location"]) == (302, "/lifespan/")
    assert page["status"] == 200
    assert "● 2 running" in words(page["text"])


def test_without_the_page_the_index_has_no_link(visit: Visit) -> None:
    """Who goes there all the same is told what to write."""
    index, lead = visit("staff", "/admin/", ADMIN, WHERE="")

    assert index["status"] == 200
    assert "lifespan" not in index["text"].lower()
    assert (lead["status"], lead["location"]) == (404, None)


def test_visitors_are_refused_and_strangers_log_in(visit: Visit) -> None:
    """Neither sees anything of what runs."""
    (refused,) = visit("visitor", "/lifespan/")
    (sent,) = visit("-", "/lifespan/")

    assert refused["status"] == 403
    assert "one" not in refused["text"]
    assert sent["location"] == "/admin/login/?next=/lifespan/"
    assert (sent["status"], sent["text"]) == (302, "")


def test_strangers_log_in_where_the_project_says(visit: Visit) -> None:
    """Where there is no admin."""
    (sent,) = visit("-", "/lifespan/", WITHOUT="django.contrib.admin")

    assert (sent["status"], sent["location"]) == (302, "/login/?next=/lifespan/")


def test_staff_are_told_that_nothing_runs(visit: Visit) -> None:
    """And what to write in asgi.py and wsgi.py."""
    (page,) = visit("staff", "/lifespan/", runs=False)

    assert page["status"] == 200
    assert "No lifespan runs in this process. Let asgi.py use" in page["text"]


def test_the_admin_calls_it_by_one_name() -> None:
    """What is listed, and one of them, if somebody makes it."""
    printing = (
        "from django_lifespan_typed.admin import LifespanStatus as Status\n"
        "print(Status(), Status._meta.verbose_name, Status._meta.verbose_name_plural)"
    )

    assert manage(SITE, "shell", "-c", printing).splitlines()[-1] == (
        "status status status"
    )
