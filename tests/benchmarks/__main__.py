"""The report: ``python -m tests.benchmarks [section ...]``."""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from . import access, imports, lifespans, memory, requests  # noqa: E402

SECTIONS = {
    "access": access.results,
    "requests": requests.results,
    "lifespans": lifespans.results,
    "imports": imports.results,
    "memory": memory.results,
}


def main() -> int:
    """Measure, print; 1 only with ``--strict`` and something over its bound."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument(
        "sections", nargs="*", metavar="section", help=f"of {', '.join(SECTIONS)}"
    )
    parser.add_argument("--json", type=Path, help="write the results there too")
    parser.add_argument(
        "--strict", action="store_true", help="exit with 1 if anything is over"
    )
    options = parser.parse_args()
    unknown = set(options.sections) - SECTIONS.keys()
    if unknown:
        parser.error(f"no section {', '.join(sorted(unknown))}")
    # That a late lifespan is warned of is known here.
    logging.getLogger("django_lifespan_typed").setLevel(logging.ERROR)
    machine = _machine()
    print(*(f"{name} {value}" for name, value in machine.items()), sep=", ")
    report = []
    for section in options.sections or SECTIONS:
        print(section)
        for result in SECTIONS[section]():
            print(result, flush=True)
            report.append(
                {"section": section, **asdict(result), "verdict": result.verdict}
            )
    if options.json:
        written = {"machine": machine, "results": report}
        options.json.write_text(json.dumps(written, indent=2) + "\n")
    over = [line for line in report if line["verdict"] == "over"]
    print(f"{len(over)} over" if over else "all ok")
    return 1 if options.strict and over else 0


def _machine() -> dict[str, str]:
    return {
        "Python": platform.python_version(),
        "Django": django.get_version(),
        "system": platform.system(),
        "machine": f"{platform.machine()} ({_processor()}) x {os.cpu_count()}",
        "load": ", ".join(f"{load:.1f}" for load in os.getloadavg()),
    }


def _processor() -> str:
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return next(iter(named), platform.processor() or "unknown")


if __name__ == "__main__":
    sys.exit(main())
