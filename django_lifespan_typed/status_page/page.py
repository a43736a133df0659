"""The status page: what runs in this process, for staff."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, final

from django.apps import apps
from django.contrib.auth.decorators import user_passes_test
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template import Context, Engine
from django.urls import NoReverseMatch, reverse
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from .._runtime.current import running
from .._runtime.health import ResourceHealth
from .._runtime.lifespan import Lifespan
from .._runtime.lookup import current_lifespan
from .._runtime.startup_times import waterfall
from .._runtime.status import ResourceStatus
from .._threads.calling import call_on
from ..exceptions import LifespanError, LifespanNotRunning
from .graph import draw_graph, levels
from .text import duration
from .waterfall import draw_waterfall

_TEMPLATES: Final = Path(__file__).parents[1] / "templates"
_NAME: Final = "django_lifespan_typed/status"


@require_http_methods(["GET", "HEAD"])
@never_cache
def status_page(request: HttpRequest) -> HttpResponseBase:
    """
    What runs in this process: each resource, its health, the start and the needs.

    For active staff alone; others are sent to log in, or refused with 403. Mount it::

        path("lifespan/", views.status_page, name="lifespan-status")

    It shows no value, no setting and no text of an error, and needs no script. Raises
    ``ImproperlyConfigured`` where ``django.contrib.auth`` cannot say who asks.
    """
    if not apps.is_installed("django.contrib.auth") or not hasattr(request, "user"):
        raise ImproperlyConfigured(
            "the lifespan status page is for staff, and nothing here says who asks\n"
            'Add "django.contrib.auth" to INSTALLED_APPS and "django.contrib.auth.'
            'middleware.AuthenticationMiddleware" to MIDDLEWARE, or do not mount '
            "views.status_page."
        )
    login = _address("admin:login")  # else that of settings.LOGIN_URL
    return user_passes_test(_is_staff, login_url=login)(_page)(request)


# For LoginRequiredMiddleware: the page asks for itself, and sends to the admin's login.
status_page.__dict__["login_required"] = False


def is_active_staff(user: Any) -> bool:
    """Whether *user* may see the page."""
    return bool(getattr(user, "is_active", False) and getattr(user, "is_staff", False))


def _is_staff(user: Any) -> bool:
    if user.is_authenticated and not is_active_staff(user):
        raise PermissionDenied
    return is_active_staff(user)


def _page(request: HttpRequest) -> HttpResponse:
    template = _engine().get_template(f"{_NAME}.html")
    style = _style()
    context = Context(
        {**_content(), "style": mark_safe(style), "admin": _address("admin:index")},
        # Commas in a drawing's numbers would move it.
        use_l10n=False,
    )
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return HttpResponse(
        template.render(context),
        # As the template says, whatever DEFAULT_CHARSET is.
        content_type="text/html; charset=utf-8",
        headers={
            "Content-Security-Policy": policy,
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        },
    )


@cache
def _engine() -> Engine:
    # Of its own: it needs neither our app installed nor the project's TEMPLATES.
    return Engine(dirs=[str(_TEMPLATES)])


@cache
def _style() -> str:
    return (_TEMPLATES / f"{_NAME}.css").read_text(encoding="utf-8")


def _address(name: str) -> str | None:
    try:
        return reverse(name)
    except NoReverseMatch:
        return None


# --- What is shown


@final
@dataclass(frozen=True)
class Row:
    """A line of the table."""

    status: ResourceStatus
    parts: list[str]
    """Of its name, which may be broken between them."""
    took: str
    age: str
    wrong: str
    verdict: str
    latency: str
    complaint: str


def _content() -> dict[str, object]:
    lifespan, problem = _lifespan_here()
    shown: dict[str, object] = {"pid": os.getpid(), "problem": problem}
    if lifespan is None:
        return shown
    statuses = lifespan.status()
    health = _health_of(lifespan)
    found = {record.name: record for record in health}
    drawn = draw_waterfall(waterfall(statuses))
    critical = drawn.critical if drawn else ()
    phases = [status.phase for status in statuses]
    return {
        **shown,
        "rows": [_row(status, found.get(status.name)) for status in statuses],
        "phases": [(phases.count(phase), phase) for phase in dict.fromkeys(phases)],
        "checked_at": _checked_at(health),
        "waterfall": drawn,
        "graph": draw_graph(statuses, critical),
        "levels": levels(statuses),
        "alone": _alone(statuses),
    }


def _lifespan_here() -> tuple[Lifespan | None, str]:
    """What runs, or a sentence that says why nothing does."""
    try:
        lifespan = current_lifespan()
    except LifespanNotRunning:
        several = "Several lifespans run in this process, and none is this request's."
        return None, several
    if lifespan is not None:
        return lifespan, ""
    if running.last_failure is not None:
        # Not what it says, which may hold a password.
        kind = running.last_failure.partition(":")[0]
        return None, f"The last start failed with {kind}. The log has its traceback."
    if running.parent is not None:
        return None, f"It runs in process {running.parent}, which this is a fork of."
    if running.loops():
        return None, "It runs on another event loop than that of this request."
    return None, (
        "No lifespan runs in this process. Let asgi.py use "
        "django_lifespan_typed.asgi.get_asgi_application, and wsgi.py, which runserver "
        "serves too, django_lifespan_typed.wsgi.get_wsgi_application."
    )


def _health_of(lifespan: Lifespan) -> tuple[ResourceHealth, ...]:
    loops = running.loops()
    loop = next((loop for loop in loops if running.on(loop) is lifespan), None)
    if loop is None:
        return ()  # stopped just now
    try:
        return call_on(loop, lifespan.health)
    except LifespanError:
        return ()  # its loop does not run, or waits for this very view


def _checked_at(health: Sequence[ResourceHealth]) -> str:
    """The time of the oldest check, for the verdicts are no newer than that."""
    made = [record for record in health if record.seconds is not None]
    times = [record.checked_at for record in made or health]
    return f"{min(times):%H:%M:%S}" if times else ""


def _row(status: ResourceStatus, health: ResourceHealth | None) -> Row:
    # An error that is in the phase's column already says nothing new.
    complaint = health.error if health and health.error is not status.error else None
    latency = health.seconds if health else None
    return Row(
        status=status,
        parts=re.findall(r"[^_.-]*[_.-]*", status.name),
        took=duration(status.seconds),
        age=duration(status.age),
        wrong=type(status.error).__name__ if status.error else "",
        verdict=health.verdict if health else "",
        latency="" if latency is None else duration(latency),
        complaint=type(complaint).__name__ if complaint else "",
    )


def _alone(statuses: Sequence[ResourceStatus]) -> list[str]:
    together = {name for level in levels(statuses) for name in level}
    return [status.name for status in statuses if status.name not in together]
