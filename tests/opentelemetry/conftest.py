"""Lifespans that report to OpenTelemetry's SDK, in memory."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Final, final

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, NumberDataPoint
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from django_lifespan_typed import Registry
from django_lifespan_typed.opentelemetry import instrument, uninstrument
from tests.runtime.probes import Hang, Probes

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

    def phases(self) -> dict[str, int] | None:
        """Return the numbers of resources that are not 0, by phase."""
        points = self.points()
        return points and {phase: count for phase, count in points.items() if count}

    def points(self) -> dict[str, int] | None:
        """Return the number of resources in each phase; None without a gauge."""
        data = self._reader.get_metrics_data()
        found: dict[str, int] = {}
        if data is None:
            return None
        for of_resource in data.resource_metrics:
            for of_scope in of_resource.scope_metrics:
                (metric,) = of_scope.metrics
                assert metric.name == "lifespan.resources"
                for point in metric.data.data_points:
                    assert isinstance(point, NumberDataPoint)
                    assert point.attributes is not None
                    assert isinstance(point.value, int)
                    found[str(point.attributes[PHASE])] = point.value
        return found


def exceptions(span: ReadableSpan) -> list[Mapping[str, object]]:
    """Return the attributes of the exceptions that *span* has recorded."""
    assert {event.name for event in span.events} <= {"exception"}
    return [event.attributes or {} for event in span.events]


@pytest.fixture
def telemetry() -> Generator[Telemetry]:
    """Receives what lifespans report during the test."""
    telemetry = Telemetry()
    telemetry.instrument()
    yield telemetry
    uninstrument()


@pytest.fixture
def probes(registry: Registry, journal: list[str]) -> Probes:
    """Probes that are registered in ``registry``."""
    return Probes(registry, journal)


@pytest.fixture
def hang() -> Generator[Hang]:
    """A step that waits until it is released."""
    hang = Hang()
    yield hang
    hang.release()
