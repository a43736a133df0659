"""LifespanPanel, for django-debug-toolbar."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final, final

from debug_toolbar.panels import Panel
from django.http import HttpRequest
from django.template import Context, Engine, Template
from django.utils.safestring import SafeString

from .._compat import override
from .._runtime.lookup import find_lifespan
from .._runtime.status import ResourceStatus
from ..exceptions import LifespanNotRunning
from .recording import Lookups, record_lookups, type_of

_TEMPLATES: Final = Path(__file__).parents[1] / "templates"


@final
class LifespanPanel(Panel):
    """
    The resources that the request looked up, where in the code it did so, and the
    status of the lifespan. For ``DEBUG_TOOLBAR_PANELS``.

    The panel shows the types of values, never the values. It does not change requests
    for which the toolbar is off.
    """

    is_async = True

    title = "Lifespan"

    @override
    def __init__(self, toolbar: Any, get_response: Any) -> None:
        super().__init__(toolbar, get_response)
        self._lookups = Lookups()

    @override
    def process_request(self, request: HttpRequest) -> Any:
        """Record the lookups of *request* from here on."""
        record_lookups(request, self._lookups)
        return super().process_request(request)

    @override
    def generate_stats(self, request: HttpRequest, response: Any) -> None:
        """Store what was recorded; for a streamed response, again at its end."""
        self._store()
        if response.streaming:
            response._resource_closers.append(self._store)

    def _store(self) -> None:
        types, resources, problem = _lifespan()
        lookups = [
            {
                "name": lookup.name,
                "type": lookup.type_name,
                "type_in_lifespan": types.get(lookup.name),
                "count": count,
                "location": str(lookup.location),
            }
            for lookup, count in self._lookups.counts().items()
        ]
        self.record_stats(
            {"lookups": lookups, "resources": resources, "problem": problem}
        )

    @property
    @override
    def nav_subtitle(self) -> str:
        """The numbers of names that were found and that were missing."""
        lookups = self.get_stats().get("lookups", [])
        found = {row["name"] for row in lookups if row["type"] is not None}
        missing = {row["name"] for row in lookups if row["type"] is None}
        return f"{len(found)} looked up" + f", {len(missing)} missing" * bool(missing)

    @property
    @override
    def content(self) -> SafeString:
        """The two tables."""
        return _template().render(Context(self.get_stats()))


@cache
def _template() -> Template:
    # Independent of the project's TEMPLATES and INSTALLED_APPS.
    engine = Engine(dirs=[str(_TEMPLATES)])
    return engine.get_template("django_lifespan_typed/panels/lifespan.html")


def _lifespan() -> tuple[dict[str, str], list[dict[str, Any]], str | None]:
    """Return the types of the running values, the resources, and what is wrong."""
    try:
        lifespan = find_lifespan()
    except LifespanNotRunning as error:
        return {}, [], str(error)
    if lifespan is None:
        return {}, [], "No lifespan runs for this request."
    types = {name: type_of(value) for name, value in lifespan.state.items()}
    return types, [_resource(status) for status in lifespan.status()], None


def _resource(status: ResourceStatus) -> dict[str, Any]:
    return {
        "name": status.name,
        "phase": status.phase,
        "task": "" if status.task is None else str(status.task),
        "optional": status.optional,
        "seconds": status.seconds,
        "uptime": status.age,
        "needs": list(status.needs),
        "declared_at": str(status.declared_at),
        # Its message may hold secrets.
        "error": None if status.error is None else type(status.error).__qualname__,
    }
