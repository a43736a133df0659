"""Views that say how the lifespan is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine
from functools import wraps
from typing import Any, Final, TypeAlias, final

from django.http import HttpRequest, HttpResponseNotAllowed, JsonResponse
from django.http.response import HttpResponseBase

from ._compat import override
from ._runtime.health import ResourceHealth, Verdict
from ._runtime.lookup import current_lifespan
from ._settings import LifespanSettings
from ._text import error_text
from .status_page.page import status_page

__all__ = ["livez", "readyz", "status_page"]

View: TypeAlias = Callable[[HttpRequest], Coroutine[Any, Any, HttpResponseBase]]

# draft-inadarei-api-health-check-06
_MEDIA_TYPE: Final = "application/health+json"


@final
class _EveryDatabase(frozenset[str]):
    """Databases that a view opens no transaction on; settings are not read yet."""

    @override
    def __contains__(self, alias: object) -> bool:
        return True


def _probe(view: View) -> View:
    # Not Django's decorators: before 5.0 they hide that a view is async.
    @wraps(view)
    async def probe(request: HttpRequest) -> HttpResponseBase:
        if request.method in {"GET", "HEAD"}:
            return await view(request)
        return HttpResponseNotAllowed(["GET", "HEAD"])

    probe.__dict__.update(
        csrf_exempt=True,  # else what is not allowed would be called forbidden
        login_required=False,  # for LoginRequiredMiddleware
        _non_atomic_requests=_EveryDatabase(),  # for ATOMIC_REQUESTS
    )
    return probe


@_probe
async def livez(request: HttpRequest) -> HttpResponseBase:
    """
    200 while the process serves and its event loop answers, for liveness probes.

    It makes no health check: a restart mends no backend.
    """
    return _answer("pass")


@_probe
async def readyz(request: HttpRequest) -> HttpResponseBase:
    """
    Whether requests may be sent here, for readiness probes: 200, or 503 where a
    resource that is not optional does not run or is not healthy, and before and
    after the lifespan. The body is JSON (``application/health+json``) with the
    phase, latency and error class of each resource.
    """
    lifespan = current_lifespan()
    if lifespan is None:
        return _answer("fail", notes=["no lifespan runs on this event loop"])
    records = await lifespan.health()
    detail = LifespanSettings.read().HEALTH_DETAIL
    checks = {record.name: [_drawn(record, detail)] for record in records}
    # Asked after the checks, during which the stop may have begun.
    if lifespan.is_stopping:
        return _answer("fail", notes=["the lifespan is stopping"], checks=checks)
    if any(record.phase in {"waiting", "starting"} for record in records):
        return _answer("fail", notes=["the lifespan is starting"], checks=checks)
    return _answer(_worst([record.verdict for record in records]), checks=checks)


def _worst(verdicts: Collection[Verdict]) -> Verdict:
    if "fail" in verdicts:
        return "fail"
    return "warn" if "warn" in verdicts else "pass"


def _drawn(record: ResourceHealth, detail: bool) -> dict[str, object]:
    time = record.checked_at.isoformat(timespec="milliseconds")
    drawn: dict[str, object] = {
        "componentType": "component",
        "status": record.verdict,
        "phase": record.phase,
        "time": time.replace("+00:00", "Z"),
    }
    if record.seconds is not None:
        drawn["observedValue"] = round(record.seconds * 1000, 3)
        drawn["observedUnit"] = "ms"
    if record.error is not None:
        # The class alone: the text may hold an address, or a password.
        drawn["error"] = type(record.error).__name__
        if detail:
            drawn["output"] = error_text(record.error)
    return drawn


def _answer(status: Verdict, **members: object) -> JsonResponse:
    response = JsonResponse(
        {"status": status, **members},
        status=503 if status == "fail" else 200,
        content_type=_MEDIA_TYPE,
        # private: before 2026, Django's own cache kept what was no-store.
        headers={"Cache-Control": "no-store, private"},
    )
    # Else Django logs each 503 as an error, which is mailed to ADMINS.
    response.__dict__["_has_been_logged"] = True
    return response
