"""The how-to page on OpenTelemetry: a project under uvicorn, with console exporters."""

from __future__ import annotations

from pathlib import Path

from tests.how_to.sites import lay, serving
from tests.processes import client, start_project

PAGE = "opentelemetry.md"


def test_a_server_prints_its_spans_and_gauges(tmp_path: Path) -> None:
    folder = start_project(tmp_path)
    for program in ("start", "opentelemetry"):
        lay(program, folder)

    with serving(PAGE, "uvicorn", folder, OTEL_METRIC_EXPORT_INTERVAL="100") as served:
        with client(served.port) as browser:
            answer = browser.get("/")
        served.process.until('"value": 1')
        served.end()

    assert answer.text == "Hello, async! You are number 1.\n"
    assert served.process.found('"name": "(lifespan .*|start .*|shut down .*)"') == [
        "start greeter",
        "lifespan startup",
        "shut down greeter",
        "lifespan shutdown",
    ]
