"""OpenTelemetry's SDK, in memory."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final, final

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, NumberDataPoint
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from django_lifespan_typed.opentelemetry import instrument, uninstrument
from tests.runtime.conftest import _nothing_is_left, hang, probes

__all__ = ["_nothing_is_left", "hang", "probes"]

PHASE: Final = "lifespan.resource.phase"


@final
class Telemetry:
    """The spans and metrics that OpenTelemetry has received."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracer_provider = TracerProvider(shutdown_on_exit=False)
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.meter_provider = MeterProvider([self._reader], shutdown_on_exit=False)
        self.tracer = self.tracer_provider.get_tracer("of a test")

    def instrument(self) -> None:
        instrument(self.tracer_provider, self.meter_provider)

    def spans(self) -> dict[str, ReadableSpan]:
        """Return the ended spans by name; each name must occur once."""
        spans = self._exporter.get_finished_spans()
        found = {span.name: span for span in spans}
        assert len(found) == len(spans)
        return found

    def tree(self) -> list[tuple[str, str]]:
        """Return each span's name with that of its parent, "" for a root."""
        spans = self._exporter.get_finished_spans()
        names = {span.context.span_id: span.name for span in spans if span.context}
        return [
            (span.name, names[span.parent.span_id] if span.parent else "")
            for span in spans
        ]

    def metric(self, name: str, *attributes: str) -> dict[Any, int | float]:
        """Return the values of a metric by its *attributes*; empty without any."""
        data = self._reader.get_metrics_data()
        found: dict[Any, int | float] = {}
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in metric.data.data_points if metric.name == name else ():
                        assert isinstance(point, NumberDataPoint)
                        given = dict(point.attributes or {})
                        assert given.keys() == {*attributes}
                        key = tuple(given[each] for each in attributes)
                        found[key if key[1:] else key[0]] = point.value
        return found

    def points(self) -> dict[str, int | float]:
        """Return the number of resources in each phase; empty without a gauge."""
        return self.metric("lifespan.resources", PHASE)

    def phases(self) -> dict[str, int | float]:
        """Return the numbers of resources that are not 0, by phase."""
        return {phase: count for phase, count in self.points().items() if count}


@pytest.fixture
def telemetry() -> Generator[Telemetry]:
    """Receives what lifespans report during the test."""
    telemetry = Telemetry()
    telemetry.instrument()
    yield telemetry
    uninstrument()
