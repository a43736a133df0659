"""The report: ``python -m tests.benchmarks [section ...]``."""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from time import monotonic

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from . import (  # noqa: E402
    access,
    fetching,
    footprint,
    growth,
    imports,
    lifespans,
    load,
    memory,
    peers,
    plots,
    requests,
    starts,
    writing,
)
from .measuring import Effort, Result  # noqa: E402
from .tables import Table  # noqa: E402

SECTIONS = {
    "access": access.results,
    "fetching": fetching.results,
    "requests": requests.results,
    "load": load.results,
    "lifespans": lifespans.results,
    "starts": starts.results,
    "growth": growth.results,
    "imports": imports.results,
    "footprint": footprint.results,
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
        "--write",
        type=Path,
        nargs="?",
        const=writing.FOLDER,
        metavar="folder",
        help="write tables and plots there (the documentation), and quote them",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="see that it works; the figures say nothing",
    )
    parser.add_argument(
        "--strict", action="store_true", help="exit with 1 if anything is over"
    )
    options = parser.parse_args()
    unknown = set(options.sections) - SECTIONS.keys()
    if unknown:
        parser.error(f"no section {', '.join(sorted(unknown))}")
    if options.write and options.sections:
        parser.error("--write takes all sections: one machine, one run")
    if options.quick and options.write == writing.FOLDER:
        parser.error("--quick measures too little for the documentation")
    # That a late lifespan is warned of is known here.
    logging.getLogger("django_lifespan_typed").setLevel(logging.ERROR)
    machine, versions = _machine(), peers.versions()
    print(*(f"{name} {value}" for name, value in machine.items()), sep=", ")
    print(*(f"{name} {value}" for name, value in versions.items() if value), sep=", ")
    _say_what_is_missing()
    measured: list[Result | Table] = []
    for section in options.sections or SECTIONS:
        print(section)
        began = monotonic()
        for each in SECTIONS[section](Effort(options.quick)):
            print(each, flush=True)
            measured.append(each)
        print(f"  in {monotonic() - began:.1f} s")
    if options.json:
        data = writing.as_data(machine, versions, measured)
        options.json.write_text(json.dumps(data, indent=2) + "\n")
    if options.write:
        written = writing.write(machine, versions, measured, options.write)
        print(f"written: {', '.join(written)}")
    results = [each for each in measured if isinstance(each, Result)]
    over = [each for each in results if each.verdict == "over"]
    print(f"{len(over)} over" if over else "all ok")
    return 1 if options.strict and over else 0


def _say_what_is_missing() -> None:
    left_out = [name.lower() for name in peers.missing()]
    if not plots.available():
        left_out.append("matplotlib")
    for name in left_out:
        print(f"not installed, and left out: {name} (pip install -e '.[bench]')")


def _machine() -> dict[str, str]:
    return {
        "Python": platform.python_version(),
        "Django": django.get_version(),
        "uvicorn": version("uvicorn"),
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
