"""Access to the status page."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.test import RequestFactory

from django_lifespan_typed import views

from .conftest import GUNICORN, UVICORN, Serve, Show, log_in, user


@pytest.mark.parametrize("command", [UVICORN, GUNICORN], ids=["ASGI", "WSGI"])
def test_only_staff_see_the_page(serve: Serve, command: tuple[str, ...]) -> None:
    with serve(command) as browser:
        anonymous = browser.get("/lifespan/")
        log_in(browser, "visitor")
        visitor = browser.get("/lifespan/")
        log_in(browser, "staff")
        staff = browser.get("/lifespan/")

    assert anonymous.status_code == 302
    assert anonymous.headers["location"] == "/admin/login/?next=/lifespan/"
    assert visitor.status_code == 403
    assert "recommendation" not in anonymous.text + visitor.text
    assert staff.status_code == 200
    assert "recommendation_<wbr>model" in staff.text
    assert staff.text.count('class="sign pass"') == 7
    assert staff.text.count('class="sign failed"') == 3
    assert "sesame" not in staff.text


def test_without_the_admin_login_url_is_used(serve: Serve) -> None:
    with serve(WITHOUT="django.contrib.admin") as browser:
        anonymous = browser.get("/lifespan/")
        log_in(browser, "staff")
        staff = browser.get("/lifespan/")

    assert anonymous.headers["location"] == "/login/?next=/lifespan/"
    assert staff.status_code == 200
    assert "Administration" not in staff.text


def test_inactive_staff_are_refused(show: Show) -> None:
    with pytest.raises(PermissionDenied):
        show(user(is_active=False))


def test_the_page_cannot_be_posted_to_or_cached(show: Show) -> None:
    assert show(method="POST").status_code == 405
    page = show(method="HEAD")
    assert page.status_code == 200
    assert {"no-store", "private"} <= {*page["Cache-Control"].split(", ")}


def test_a_project_without_users_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        views.status_page(RequestFactory().get("/lifespan/"))

    assert str(caught.value) == (
        "the lifespan status page is for staff, and this project has no users\n"
        'Add "django.contrib.auth" to INSTALLED_APPS and "django.contrib.auth.'
        'middleware.AuthenticationMiddleware" to MIDDLEWARE, or do not mount '
        "views.status_page."
    )
