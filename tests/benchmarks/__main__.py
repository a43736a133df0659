"""The report: ``python -m tests.benchmarks [section ...]``."""

from __future__ import annotations

import argparse
import logging
import os
import platform
import re
from importlib.metadata import version
from pathlib import Path
from time import monotonic

import django

from . import (
    access,
    fetching,
    footprint,
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
from .measuring import Result
from .tables import Table

SECTIONS = {
    "access": access.results,
    "fetching": fetching.results,
    "requests": requests.results,
    "load": load.results,
    "lifespans": lifespans.results,
    "starts": starts.results,
    "growth": starts.growth,
    "imports": imports.results,
    "footprint": footprint.results,
    "memory": memory.results,
}


def main() -> None:
    """Measure, print, and write the documentation with ``--write``."""
    options = _options()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    # Late starts, which are measured here, are warned about.
    logging.getLogger("django_lifespan_typed").setLevel(logging.ERROR)

    machine, versions = _machine(), peers.versions()
    for named in machine, versions:
        print(*(f"{name} {value}" for name, value in named.items()), sep=", ")
    for name in peers.missing() + ["matplotlib"] * (not plots.available()):
        print(f"not installed, and left out: {name} (pip install -e '.[bench]')")

    measured: list[Result | Table] = []
    for section in options.sections or SECTIONS:
        print(section)
        began = monotonic()
        for each in SECTIONS[section](options.quick):
            print(each, flush=True)
            measured.append(each)
        print(f"  in {monotonic() - began:.1f} s")

    tables = {each.name: each for each in measured if isinstance(each, Table)}
    results = [each for each in measured if isinstance(each, Result)]
    if options.write:
        written = writing.write(machine, versions, results, tables, options.write)
        print(f"written: {', '.join(written)}")
    over = sum(each.verdict == "over" for each in results)
    print(f"{over} over" if over else "all ok")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("sections", nargs="*", help=f"of {', '.join(SECTIONS)}")
    parser.add_argument(
        "--write",
        type=Path,
        nargs="?",
        const=writing.FOLDER,
        metavar="folder",
        help="write tables and plots there (by default the documentation)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="see that it works; figures mean nothing"
    )
    options = parser.parse_args()
    unknown = set(options.sections) - SECTIONS.keys()
    if unknown:
        parser.error(f"no section {', '.join(sorted(unknown))}")
    if options.write and options.sections:
        parser.error("--write takes all sections: one machine, one run")
    if options.quick and options.write == writing.FOLDER:
        parser.error("--quick measures too little for the documentation")
    return options


def _machine() -> dict[str, str]:
    known = Path("/proc/cpuinfo")
    named = known.exists() and re.search(r"model name\s*: (.*)", known.read_text())
    processor = named[1] if named else platform.processor() or "unknown"
    return {
        "Python": platform.python_version(),
        "Django": django.get_version(),
        "uvicorn": version("uvicorn"),
        "system": platform.system(),
        "machine": f"{platform.machine()} ({processor}) x {os.cpu_count()}",
        "load": ", ".join(f"{load:.1f}" for load in os.getloadavg()),
    }


if __name__ == "__main__":
    main()
