"""Checks of the application in ASGI_APPLICATION or WSGI_APPLICATION."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from django.core.checks import CheckMessage, Warning as Warn
from django.test import override_settings

from django_lifespan_typed.checks.applications import (
    Application,
    check_application,
    configured_application,
)

from . import applications

MODULE = "tests.checks.applications"
REGISTERED = ["'cache'", "'db'"]


def configured(asgi: str | None = None, wsgi: str | None = None) -> Application | None:
    """Read the application from these settings."""
    with override_settings(ASGI_APPLICATION=asgi, WSGI_APPLICATION=wsgi):
        return configured_application()


def messages(registered: list[str] = REGISTERED, **paths: str) -> list[CheckMessage]:
    """Check the application of these settings."""
    application = configured(**paths)
    return [] if application is None else [*check_application(application, registered)]


@pytest.mark.parametrize(
    "paths",
    [
        *({"asgi": f"{MODULE}.ours{suffix}"} for suffix in ("", "_in_static")),
        {"asgi": f"{MODULE}.ours_in_wrappers"},
        {"asgi": f"{MODULE}.ours_around_router"},
        {"asgi": f"{MODULE}.ours_in_router"},
        {"asgi": f"{MODULE}.ours", "wsgi": f"{MODULE}.wsgi_plain"},
        {"wsgi": f"{MODULE}.wsgi_ours"},
        {"wsgi": f"{MODULE}.wsgi_ours_in_static"},
    ],
    ids=str,
)
def test_an_application_with_a_lifespan_is_right(paths: dict[str, str]) -> None:
    application = configured(**paths)

    assert application is not None
    assert application.registry is applications.own_registry
    assert messages(**paths) == []


@pytest.mark.parametrize("name", ["function", "handler", "itself", "own_registry"])
def test_an_unknown_application_gets_no_message(name: str) -> None:
    assert messages(asgi=f"{MODULE}.{name}") == []
    assert messages(wsgi=f"{MODULE}.{name}") == []


def test_a_project_may_name_no_application() -> None:
    """It may use resources in management commands only."""
    assert configured() is None


@pytest.mark.parametrize(
    "name", ["plain", "plain_in_static", "plain_in_wrappers", "plain_in_router"]
)
def test_an_asgi_application_without_a_lifespan_is_reported(name: str) -> None:
    assert messages(asgi=f"{MODULE}.{name}") == [
        Warn(
            f"settings.ASGI_APPLICATION is '{MODULE}.{name}', which does not start "
            "lifespan resources. Registered: 'cache', 'db'.",
            hint=f"In {MODULE}, import get_asgi_application from "
            "django_lifespan_typed.asgi instead of django.core.asgi.",
            id="lifespan.W002",
        )
    ]


@pytest.mark.parametrize("name", ["router", "router_of_ours"])
def test_a_router_without_a_lifespan_entry_is_reported(name: str) -> None:
    assert messages(asgi=f"{MODULE}.{name}") == [
        Warn(
            f"settings.ASGI_APPLICATION is '{MODULE}.{name}', which is a "
            'ProtocolTypeRouter without a "lifespan" entry: servers cannot start '
            "lifespan resources through it. Registered: 'cache', 'db'.",
            hint=f"In {MODULE}, write: application = with_lifespan("
            "ProtocolTypeRouter({...})). Import with_lifespan from "
            "django_lifespan_typed.asgi.",
            id="lifespan.W003",
        )
    ]


@pytest.mark.parametrize("name", ["wsgi_plain", "wsgi_plain_in_static"])
def test_a_wsgi_application_without_a_lifespan_is_reported(name: str) -> None:
    assert messages(wsgi=f"{MODULE}.{name}") == [
        Warn(
            f"settings.WSGI_APPLICATION is '{MODULE}.{name}', which does not start "
            "lifespan resources, and settings.ASGI_APPLICATION is not set. "
            "Registered: 'cache', 'db'.",
            hint=f"In {MODULE}, import get_wsgi_application from "
            "django_lifespan_typed.wsgi instead of django.core.wsgi.",
            id="lifespan.W004",
        )
    ]


@pytest.mark.parametrize("name", ["plain", "router", "wsgi_plain"])
def test_a_project_without_resources_needs_no_lifespan(name: str) -> None:
    assert messages([], asgi=f"{MODULE}.{name}") == []
    assert messages([], wsgi=f"{MODULE}.{name}") == []


def test_wsgi_py_is_not_checked_beside_an_asgi_py(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server may serve asgi.py without any setting; neither file is imported."""
    (tmp_path / "site_of_two").mkdir()
    for name in "asgi.py", "wsgi.py":
        (tmp_path / "site_of_two" / name).write_text("raise ImportError")
    monkeypatch.syspath_prepend(tmp_path)

    assert configured(wsgi="site_of_two.wsgi.application") is None
    assert "site_of_two.asgi" not in sys.modules


@pytest.mark.parametrize("setting", ["asgi", "wsgi"])
@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("nowhere.site.application", "ModuleNotFoundError: No module"),
        (f"{MODULE}.applicaton", "ImportError: Module"),
        ("application", "ImportError: application doesn't look like"),
        ("broken_site.exiting.application", "SystemExit: no PORT"),
        ("broken_site.mute.application", "Mute: Mute"),
    ],
    ids=["no module", "no variable", "no dot", "exits", "error without text"],
)
def test_an_application_that_cannot_be_imported_is_reported(
    setting: str,
    path: str,
    problem: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = tmp_path / "broken_site"
    site.mkdir()
    (site / "exiting.py").write_text("raise SystemExit('no PORT')")
    (site / "mute.py").write_text(
        "class Mute(Exception):\n    __str__ = None\n\nraise Mute"
    )
    monkeypatch.syspath_prepend(tmp_path)

    (message,) = messages(**{setting: path})

    assert message.id == "lifespan.W001"
    assert message.msg.startswith(
        f"settings.{setting.upper()}_APPLICATION is {path!r}, which cannot be "
        f"imported: {problem}"
    )
    assert message.hint == (
        'Write the path of a variable: "mysite.asgi.application". For the traceback, '
        f'run: python manage.py shell -c "import {path.rpartition(".")[0] or path}"'
    )
