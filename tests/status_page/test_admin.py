"""The link from the admin's index."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from .conftest import SITE, Serve, log_in, manage

LINK = re.compile(r'href="(/admin/django_lifespan_typed/[^"]+/)"')


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({}, id="mounted as documented"),
        pytest.param({"NAME": ""}, id="mounted without a name"),
        pytest.param({"REVERSED": "1"}, id="installed before the admin"),
    ],
)
def test_the_index_leads_to_the_page(serve: Serve, variables: dict[str, str]) -> None:
    """The admin's index links the page for staff without any other permission."""
    with serve(**variables) as browser:
        log_in(browser, "staff")
        index = browser.get("/admin/").text

        link = LINK.search(index)
        assert link is not None, index
        page = browser.get(link[1], follow_redirects=True)

    assert page.status_code == 200
    assert page.url.path == "/lifespan/"
    assert "<h1>Lifespan</h1>" in page.text
    assert "/add/" not in index


def test_the_link_of_the_app_leads_there_too(serve: Serve) -> None:
    """The admin's page of the app lists the status, and nothing else."""
    with serve() as browser:
        log_in(browser, "staff")

        page = browser.get("/admin/django_lifespan_typed/")

    assert page.status_code == 200
    assert LINK.search(page.text) is not None


def test_no_link_where_the_page_is_not_mounted(serve: Serve) -> None:
    """An admin without the page says nothing of it."""
    with serve(WHERE="") as browser:
        log_in(browser, "staff")

        index = browser.get("/admin/")
        link = browser.get("/admin/django_lifespan_typed/lifespanstatus/")

    assert index.status_code == 200
    assert "lifespan" not in index.text.lower()
    assert link.status_code == 404


def test_the_link_is_nothing_for_visitors(serve: Serve) -> None:
    """Who is not of the staff is sent to log in, as by all of the admin."""
    with serve() as browser:
        log_in(browser, "visitor")

        page = browser.get("/admin/django_lifespan_typed/lifespanstatus/")

    assert page.status_code == 302
    assert page.headers["location"] == (
        "/admin/login/?next=/admin/django_lifespan_typed/lifespanstatus/"
    )


def test_the_database_knows_nothing_of_it(accounts: Path, tmp_path: Path) -> None:
    """There is no table, no content type and no permission, and nothing to migrate."""
    database = tmp_path / "db.sqlite3"
    shutil.copyfile(accounts, database)

    said = manage(SITE, "makemigrations", "--check", DATABASE=str(database))
    with closing(sqlite3.connect(database)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
        types = connection.execute("SELECT app_label FROM django_content_type")
        labels = {label for (label,) in types}

    assert said.splitlines()[-1] == "No changes detected"
    assert [name for (name,) in tables if "lifespan" in name] == []
    assert labels == {"admin", "auth", "contenttypes", "sessions"}
