"""Who sees the status page."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory

from django_lifespan_typed import views

from .conftest import GUNICORN, UVICORN, Serve, log_in

servers = pytest.mark.parametrize(
    "command",
    [pytest.param(UVICORN, id="ASGI"), pytest.param(GUNICORN, id="WSGI")],
)


@servers
def test_staff_see_what_runs(serve: Serve, command: tuple[str, ...]) -> None:
    """One of the staff sees the page, with health that was asked on the right loop."""
    with serve(command) as browser:
        log_in(browser, "staff")

        page = browser.get("/lifespan/")

    assert page.status_code == 200
    assert "recommendation_<wbr>" in page.text
    assert "No health" not in page.text
    assert page.text.count('class="sign pass"') == 7


@servers
def test_visitors_are_refused(serve: Serve, command: tuple[str, ...]) -> None:
    """Who has logged in and is not of the staff gets 403, and sees nothing."""
    with serve(command) as browser:
        log_in(browser, "visitor")

        page = browser.get("/lifespan/")

    assert page.status_code == 403
    assert "recommendation" not in page.text


@servers
def test_strangers_are_sent_to_log_in(serve: Serve, command: tuple[str, ...]) -> None:
    """Who has not logged in is sent to the admin's own form, and back from there."""
    with serve(command) as browser:
        page = browser.get("/lifespan/")

    assert page.status_code == 302
    assert page.headers["location"] == "/admin/login/?next=/lifespan/"
    assert page.text == ""


def test_strangers_log_in_where_the_project_says(serve: Serve) -> None:
    """Without an admin, ``LOGIN_URL`` is where strangers are sent."""
    with serve(WITHOUT="django.contrib.admin") as browser:
        page = browser.get("/lifespan/")
        log_in(browser, "staff")
        seen = browser.get("/lifespan/")

    assert page.headers["location"] == "/login/?next=/lifespan/"
    assert seen.status_code == 200
    assert "Administration" not in seen.text


def test_it_is_off_unless_mounted(serve: Serve) -> None:
    """Nobody finds a page that the project does not mount."""
    with serve(WHERE="") as browser:
        log_in(browser, "staff")

        page = browser.get("/lifespan/")

    assert page.status_code == 404


def test_it_is_only_read(serve: Serve) -> None:
    """GET and HEAD are all that there is to do, and nothing is kept by caches."""
    with serve() as browser:
        log_in(browser, "staff")

        posted = browser.post("/lifespan/")
        asked = browser.head("/lifespan/")

    assert posted.status_code == 405
    assert asked.status_code == 200
    assert "no-store" in asked.headers["cache-control"]
    assert "private" in asked.headers["cache-control"]


def test_without_accounts_it_refuses() -> None:
    """A project that cannot say who asks is told so, and shows nothing."""
    with pytest.raises(ImproperlyConfigured) as caught:
        views.status_page(RequestFactory().get("/lifespan/"))

    assert str(caught.value) == (
        "the lifespan status page is for staff, and nothing here says who asks\n"
        'Add "django.contrib.auth" to INSTALLED_APPS and "django.contrib.auth.'
        'middleware.AuthenticationMiddleware" to MIDDLEWARE, or do not mount '
        "views.status_page."
    )
