"""A panel for django-debug-toolbar: what a request fetched from the lifespan."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final, final

from django.http import HttpRequest
from django.template import Context, Engine, Template
from django.utils.safestring import SafeString

from .._compat import override
from .._runtime.lookup import current_lifespan
from .._runtime.status import ResourceStatus
from ..exceptions import LifespanNotRunning
from .recorded_state import Fetch, Fetches, Watch, class_name

try:
    from debug_toolbar.panels import Panel
except ModuleNotFoundError as _error:
    if str(_error.name).partition(".")[0] != "debug_toolbar":
        raise
    raise ImportError(
        "django_lifespan_typed.panels is a panel for django-debug-toolbar, which is "
        "not installed\nInstall it: pip install django-debug-toolbar, or take "
        '"django_lifespan_typed.panels.LifespanPanel" out of DEBUG_TOOLBAR_PANELS.'
    ) from _error

__all__ = ["LifespanPanel"]

_TEMPLATES: Final = Path(__file__).parents[1] / "templates"


@final
class LifespanPanel(Panel):
    """
    What this request fetched from the lifespan's state, where in the code, and how
    the lifespan is. For ``DEBUG_TOOLBAR_PANELS``.

    It watches from the toolbar's middleware on, in sync and async stacks. No value
    is ever shown, only its class. A request without the toolbar is not touched.
    """

    is_async = True

    title = "Lifespan"

    _watch: Watch | None = None

    @override
    def __init__(self, toolbar: Any, get_response: Any) -> None:
        super().__init__(toolbar, get_response)
        self._fetches = Fetches()

    @override
    def process_request(self, request: HttpRequest) -> Any:
        """Watch *request* from here on."""
        self._watch = Watch(request, self._fetches)
        self._watch.begin()
        return super().process_request(request)

    @override
    def disable_instrumentation(self) -> None:
        """Give the request its own state back."""
        if self._watch is not None:
            self._watch.end()

    @override
    def generate_stats(self, request: HttpRequest, response: Any) -> None:
        """Keep what was seen; for a streamed response, once more at its end."""
        self._record()
        # Another panel that answers by itself leaves nothing to watch.
        if self._watch is not None and response.streaming:
            self._watch.begin()
            response._resource_closers.append(self._end_of_stream)

    def _end_of_stream(self) -> None:
        self.disable_instrumentation()
        self._record()

    def _record(self) -> None:
        counted = self._fetches.counted()
        running, resources, problem = _lifespan()
        fetched = [_shown(fetch, times, running) for fetch, times in counted.items()]
        self.record_stats(
            {"fetched": fetched, "resources": resources, "problem": problem}
        )

    @property
    @override
    def nav_subtitle(self) -> str:
        """How many names were fetched, and how many were missing."""
        fetched = self.get_stats().get("fetched", [])
        names = {row["name"] for row in fetched if row["kind"] is not None}
        missing = {row["name"] for row in fetched if row["kind"] is None}
        return f"{len(names)} fetched" + f", {len(missing)} missing" * bool(missing)

    @property
    @override
    def content(self) -> SafeString:
        """The two tables."""
        # Not by the project's templates: the package need not be an installed app.
        return _template().render(Context(self.get_stats()))


@cache
def _template() -> Template:
    engine = Engine(dirs=[str(_TEMPLATES)])
    return engine.get_template("django_lifespan_typed/panels/lifespan.html")


# The toolbar keeps these rows as JSON.


def _shown(fetch: Fetch, times: int, running: dict[str, str]) -> dict[str, Any]:
    return {
        "name": fetch.name,
        "kind": fetch.kind,
        "running": running.get(fetch.name),
        "times": times,
        "place": str(fetch.place),
    }


def _lifespan() -> tuple[dict[str, str], list[dict[str, Any]], str | None]:
    """The classes of what runs, by name; the resources; and what is wrong."""
    try:
        lifespan = current_lifespan()
    except LifespanNotRunning as error:
        return {}, [], str(error)
    if lifespan is None:
        return {}, [], "No lifespan runs here."
    kinds = {name: class_name(value) for name, value in lifespan.state.items()}
    return kinds, [_resource(status) for status in lifespan.status()], None


def _resource(status: ResourceStatus) -> dict[str, Any]:
    return {
        "name": status.name,
        "phase": status.phase,
        "optional": status.optional,
        "seconds": status.seconds,
        "age": status.age,
        "needs": list(status.needs),
        "declared_at": str(status.declared_at),
        # What it says may hold secrets.
        "error": status.error and type(status.error).__qualname__,
    }
