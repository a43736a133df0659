"""Checks of what ASGI_APPLICATION and WSGI_APPLICATION name."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage, Warning as Warn
from django.test import override_settings

from django_lifespan_typed.checks.applications import (
    asgi_application,
    check_applications,
    is_served_by_asgi,
    wsgi_application,
)

from . import applications

MODULE = "tests.checks.applications"
REGISTERED = ["db", "cache"]

WITH_ASGI = (
    "from django_lifespan_typed.asgi import get_asgi_application, instead of Django's"
)
WITH_WSGI = (
    "from django_lifespan_typed.wsgi import get_wsgi_application, instead of Django's"
)


def found(registered: list[str] = REGISTERED, **settings: Any) -> list[CheckMessage]:
    """What the checks say under these settings."""
    given = {"ASGI_APPLICATION": None, "WSGI_APPLICATION": None, **settings}
    with override_settings(**given):
        asgi = asgi_application()
        is_wsgi = asgi is None and registered and not is_served_by_asgi()
        wsgi = wsgi_application() if is_wsgi else None
        return list(check_applications(asgi, wsgi, registered))


@pytest.mark.parametrize(
    "name",
    [
        "ours",
        "of_own_registry",
        "ours_in_static",
        "ours_in_wrappers",
        "ours_around_router",
        "ours_in_router",
        "lifespans",
        "handler",
        "circle",
        "function",
        "own_registry",
    ],
)
def test_says_nothing_of_what_has_a_lifespan_or_is_unknown(name: str) -> None:
    """A wrapper that may answer the lifespan by itself is none of our business."""
    assert found(ASGI_APPLICATION=f"{MODULE}.{name}") == []


@pytest.mark.parametrize(
    "name", ["plain", "plain_in_static", "plain_in_wrappers", "plain_in_router"]
)
def test_names_an_asgi_application_without_a_lifespan(name: str) -> None:
    """Django's own, however it is wrapped; with the lines to write instead."""
    assert found(ASGI_APPLICATION=f"{MODULE}.{name}") == [
        Warn(
            f"settings.ASGI_APPLICATION is '{MODULE}.{name}', which starts no lifespan "
            "resources. Registered: 'cache', 'db'.",
            hint=f"Write in {MODULE}: {WITH_ASGI}. Around any other application: "
            "django_lifespan_typed.asgi.with_lifespan(application).\n"
            "See lifespan.W002 in docs/reference/checks.md.",
            id="lifespan.W002",
        )
    ]


@pytest.mark.parametrize("name", ["router", "router_of_ours"])
def test_names_a_router_that_lets_no_lifespan_through(name: str) -> None:
    """Whatever it routes http to: servers take its error for "no lifespan"."""
    assert found(ASGI_APPLICATION=f"{MODULE}.{name}") == [
        Warn(
            f"settings.ASGI_APPLICATION is '{MODULE}.{name}', a ProtocolTypeRouter "
            'without a "lifespan" entry: no server can start lifespan resources '
            "through it. Registered: 'cache', 'db'.",
            hint=f"Write in {MODULE}: application = with_lifespan("
            "ProtocolTypeRouter({...})), with_lifespan from "
            "django_lifespan_typed.asgi.\n"
            "See lifespan.W003 in docs/reference/checks.md.",
            id="lifespan.W003",
        )
    ]


@pytest.mark.parametrize("name", ["plain", "router"])
def test_says_nothing_while_nothing_is_registered(name: str) -> None:
    """An application without a lifespan is right for a project without resources."""
    assert found([], ASGI_APPLICATION=f"{MODULE}.{name}") == []
    assert found([], WSGI_APPLICATION=f"{MODULE}.wsgi_{name}") == []


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        pytest.param(
            "tests.checks.nowhere.application",
            "ModuleNotFoundError: No module named 'tests.checks.nowhere'",
            id="no module",
        ),
        pytest.param(
            f"{MODULE}.applicaton",
            f'ImportError: Module "{MODULE}" does not define a "applicaton" '
            "attribute/class",
            id="no variable",
        ),
        pytest.param(
            "asgi", "ImportError: asgi doesn't look like a module path", id="no dot"
        ),
        pytest.param(
            "tests.checks.leaving.application", "SystemExit: no PORT", id="it exits"
        ),
    ],
)
@pytest.mark.parametrize("setting", ["ASGI_APPLICATION", "WSGI_APPLICATION"])
def test_an_application_that_cannot_be_imported_is_a_message(
    setting: str, path: str, problem: str
) -> None:
    """And never an error, nor the end, of whatever command runs the checks."""
    module = path.rpartition(".")[0] or path

    assert found(**{setting: path}) == [
        Warn(
            f"settings.{setting} is '{path}', which cannot be imported: {problem}",
            hint='It names a variable in a module: "mysite.asgi.application". For the '
            f'traceback: python manage.py shell -c "import {module}"\n'
            "See lifespan.W001 in docs/reference/checks.md.",
            id="lifespan.W001",
        )
    ]


@pytest.mark.parametrize("name", ["wsgi_plain", "wsgi_plain_in_static"])
def test_names_a_wsgi_application_where_there_is_no_asgi_one(name: str) -> None:
    """With what to write, whichever of the two serves the project."""
    assert found(WSGI_APPLICATION=f"{MODULE}.{name}") == [
        Warn(
            f"settings.WSGI_APPLICATION is '{MODULE}.{name}', which starts no lifespan "
            "resources, and there is no ASGI_APPLICATION. Registered: 'cache', 'db'.",
            hint=f"Under a WSGI server, write in {MODULE}: {WITH_WSGI}. Under an ASGI "
            f"server, write in asgi.py: {WITH_ASGI}.\n"
            "See lifespan.W004 in docs/reference/checks.md.",
            id="lifespan.W004",
        )
    ]


def test_says_nothing_of_a_project_that_names_no_application() -> None:
    """Resources may be for commands alone."""
    assert found() == []


@pytest.mark.parametrize("name", ["wsgi_ours", "wsgi_ours_in_static", "function"])
def test_says_nothing_of_a_wsgi_application_with_a_lifespan(name: str) -> None:
    """Nor of one that is unknown."""
    assert found(WSGI_APPLICATION=f"{MODULE}.{name}") == []


def test_the_wsgi_application_does_not_matter_beside_an_asgi_one() -> None:
    """Every project has one, by startproject."""
    settings = {
        "ASGI_APPLICATION": f"{MODULE}.ours",
        "WSGI_APPLICATION": f"{MODULE}.wsgi_plain",
    }

    assert found(**settings) == []


@pytest.mark.parametrize(
    ("asgi", "warns"),
    [
        pytest.param(
            "from django_lifespan_typed.asgi import get_asgi_application\n"
            "application = get_asgi_application()",
            False,
            id="ours",
        ),
        pytest.param("from .serving import application", False, id="from elsewhere"),
        pytest.param("this is no Python", False, id="unreadable"),
        pytest.param(
            "from django.core.asgi import get_asgi_application\n"
            "from somewhere import wrapped\n"
            "application = wrapped(get_asgi_application())",
            False,
            id="wrapped",
        ),
        pytest.param(
            "from django.core.asgi import get_asgi_application as get\n"
            "application = get()",
            True,
            id="startproject's",
        ),
        pytest.param(None, True, id="none"),
    ],
)
def test_reads_the_asgi_file_that_no_setting_names(
    asgi: str | None, warns: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project may be served by it all the same; it is not imported."""
    package = f"site_{'none' if asgi is None else abs(hash(asgi))}"
    (tmp_path / package).mkdir()
    (tmp_path / package / "wsgi.py").write_text(
        "from django.core.wsgi import get_wsgi_application\n"
        "application = get_wsgi_application()"
    )
    if asgi is not None:
        (tmp_path / package / "asgi.py").write_text(asgi)
    monkeypatch.syspath_prepend(tmp_path)

    messages = found(WSGI_APPLICATION=f"{package}.wsgi.application")

    assert [message.id for message in messages] == ["lifespan.W004"] * warns
    assert f"{package}.asgi" not in sys.modules


def test_an_application_that_cannot_be_looked_at_is_unknown() -> None:
    """A proxy, say, of what is made at the first request."""
    assert found(ASGI_APPLICATION=f"{MODULE}.proxy") == []


def test_an_error_that_cannot_be_described_is_a_message_too() -> None:
    """By its class."""
    (message,) = found(ASGI_APPLICATION="tests.checks.unspeakable.application")

    assert message.id == "lifespan.W001"
    assert message.msg.endswith("which cannot be imported: Unspeakable: Unspeakable")


def test_knows_the_registry_that_an_application_starts() -> None:
    """What is wrong with it is wrong with the project."""
    with override_settings(ASGI_APPLICATION=f"{MODULE}.of_own_registry"):
        application = asgi_application()

    assert application is not None
    assert application.registry is applications.own_registry
