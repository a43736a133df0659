"""Views: the health probes, and the status page."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Final, TypeAlias, final

from django.http import HttpRequest, HttpResponseNotAllowed, JsonResponse
from django.http.response import HttpResponseBase

from ._compat import override
from ._runtime.health import ResourceHealth, Verdict
from ._runtime.lookup import find_lifespan
from ._settings import LifespanSettings
from ._text import error_text
from .status_page.page import status_page

__all__ = ["livez", "readyz", "status_page"]

View: TypeAlias = Callable[[HttpRequest], Coroutine[Any, Any, HttpResponseBase]]

# draft-inadarei-api-health-check-06
_MEDIA_TYPE: Final = "application/health+json"


@final
class _AllDatabases(frozenset[str]):
    """All database aliases; at import the settings cannot be read yet."""

    @override
    def __contains__(self, alias: object) -> bool:
        return True


def _probe(view: View) -> View:
    # Django's require_safe() hides before Django 5.0 that a view is async.
    @wraps(view)
    async def probe(request: HttpRequest) -> HttpResponseBase:
        if request.method in {"GET", "HEAD"}:
            return await view(request)
        return HttpResponseNotAllowed(["GET", "HEAD"])

    probe.__dict__.update(
        csrf_exempt=True,  # the answer to POST is 405, not 403
        login_required=False,  # for LoginRequiredMiddleware
        _non_atomic_requests=_AllDatabases(),  # for ATOMIC_REQUESTS
    )
    return probe


@_probe
async def livez(request: HttpRequest) -> HttpResponseBase:
    """
    Liveness probe: answers 200 while the event loop answers requests.

    It needs no lifespan and makes no health checks: restarting the process does not
    repair a backend.
    """
    return _response("pass")


livez.__dict__["needs_no_lifespan"] = True


@_probe
async def readyz(request: HttpRequest) -> HttpResponseBase:
    """
    Readiness probe: answers 200 if the process can serve requests, otherwise 503.

    503 means that a resource which is not optional does not run or is unhealthy, or
    that the lifespan is starting, is shutting down or does not run. The body is JSON
    (``application/health+json``) with the phase, latency and type of error of each
    resource.
    """
    lifespan = find_lifespan()
    if lifespan is None:
        return _response("fail", notes=["no lifespan runs on this event loop"])
    records = await lifespan.health()
    with_output = LifespanSettings.read().HEALTH_DETAIL
    checks = {record.name: [_check(record, with_output)] for record in records}
    # The shutdown may have begun during the checks.
    if lifespan.is_stopping:
        return _response("fail", notes=["the lifespan is shutting down"], checks=checks)
    if any(record.phase in {"waiting", "starting"} for record in records):
        return _response("fail", notes=["the lifespan is starting"], checks=checks)
    verdicts = {record.verdict for record in records}
    worst: Verdict = "pass"
    if "fail" in verdicts:
        worst = "fail"
    elif "warn" in verdicts:
        worst = "warn"
    return _response(worst, checks=checks)


def _check(record: ResourceHealth, with_output: bool) -> dict[str, object]:
    time = record.checked_at.isoformat(timespec="milliseconds")
    check: dict[str, object] = {
        "componentType": "component",
        "status": record.verdict,
        "phase": record.phase,
        "time": time.replace("+00:00", "Z"),
    }
    if record.task is not None:
        check["task"] = record.task.phase
    if record.seconds is not None:
        check["observedValue"] = round(record.seconds * 1000, 3)
        check["observedUnit"] = "ms"
    if record.error is not None:
        # The text may hold an address or a password.
        check["error"] = type(record.error).__name__
        if with_output:
            check["output"] = error_text(record.error)
    return check


def _response(status: Verdict, **members: object) -> JsonResponse:
    response = JsonResponse(
        {"status": status, **members},
        status=503 if status == "fail" else 200,
        content_type=_MEDIA_TYPE,
        # Older versions of Django's cache middleware store no-store responses.
        headers={"Cache-Control": "no-store, private"},
    )
    # Django logs a 503 as an error, and mails it to ADMINS, unless it has been logged.
    response.__dict__["_has_been_logged"] = True
    return response
