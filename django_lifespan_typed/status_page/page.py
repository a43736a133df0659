"""The view of the status page."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

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

from .content import content

_TEMPLATES: Final = Path(__file__).parents[1] / "templates"
_NAME: Final = "django_lifespan_typed/status"


@require_http_methods(["GET", "HEAD"])
@never_cache
def status_page(request: HttpRequest) -> HttpResponseBase:
    """
    A page for staff: the resources of this process, their health and dependencies,
    and how long each took to start. Mount it::

        path("lifespan/", views.status_page, name="lifespan-status")

    Users who are not logged in are redirected to log in; users who are not active
    staff get 403. The page shows no value, no setting and no text of an error, and
    needs no script. Raises ``ImproperlyConfigured`` without ``django.contrib.auth``
    and its middleware.
    """
    if not apps.is_installed("django.contrib.auth") or not hasattr(request, "user"):
        raise ImproperlyConfigured(
            "the lifespan status page is for staff, and this project has no users\n"
            'Add "django.contrib.auth" to INSTALLED_APPS and "django.contrib.auth.'
            'middleware.AuthenticationMiddleware" to MIDDLEWARE, or do not mount '
            "views.status_page."
        )
    # Without the admin, settings.LOGIN_URL is used.
    login = _url_of("admin:login")
    return user_passes_test(_is_staff, login_url=login)(_page)(request)


# LoginRequiredMiddleware would redirect to LOGIN_URL, not to the admin's login.
status_page.__dict__["login_required"] = False


def _is_staff(user: Any) -> bool:
    is_staff: bool = user.is_active and getattr(user, "is_staff", False)
    if user.is_authenticated and not is_staff:
        raise PermissionDenied
    return is_staff


def _page(request: HttpRequest) -> HttpResponse:
    template = _engine().get_template(f"{_NAME}.html")
    style = _style()
    context = Context(
        {**content(), "style": mark_safe(style), "admin": _url_of("admin:index")},
        # A thousand separator would break the numbers in an SVG.
        use_l10n=False,
    )
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return HttpResponse(
        template.render(context),
        # As the template declares, whatever DEFAULT_CHARSET is.
        content_type="text/html; charset=utf-8",
        headers={
            "Content-Security-Policy": policy,
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        },
    )


@cache
def _engine() -> Engine:
    # Independent of the project's TEMPLATES and INSTALLED_APPS.
    return Engine(dirs=[str(_TEMPLATES)])


@cache
def _style() -> str:
    return (_TEMPLATES / f"{_NAME}.css").read_text(encoding="utf-8")


def _url_of(name: str) -> str | None:
    try:
        return reverse(name)
    except NoReverseMatch:
        return None
