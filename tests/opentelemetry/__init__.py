"""Tests of the spans and the gauge of OpenTelemetry."""
