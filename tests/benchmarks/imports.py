"""What the first import costs a process that has set up Django already."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from tempfile import TemporaryDirectory

from .measuring import Result, Samples, turns

BOUND = 10.0
ROUNDS = 15

# What each is imported after; Django's own handler is of every ASGI process.
CASES = {
    "django_lifespan_typed": "django",
    "django_lifespan_typed.asgi": "django.core.asgi",
    "django_lifespan_typed.middleware": "django.core.asgi",
}

SCRIPT = """
import json, sys, time
from django.conf import settings
settings.configure()
import django
django.setup()
import {after}
before = set(sys.modules)
began = time.perf_counter()
import {name}
seconds = time.perf_counter() - began
print(json.dumps([seconds, sorted(set(sys.modules) - before)]))
"""


def results() -> Iterator[Result]:
    samples = Samples()
    new: dict[str, list[str]] = {}
    with TemporaryDirectory() as bytecode:
        for name in CASES:
            _import(name, bytecode)  # compiles
        for name in turns(CASES, ROUNDS):
            seconds, new[name] = _import(name, bytecode)
            samples.add(name, seconds)
    for name, after in CASES.items():
        own = name.partition(".")[0]
        roots = {module.partition(".")[0] for module in new[name]} - {own}
        yield Result(
            f"import {name}",
            samples.median(name) * 1e3,
            "ms",
            BOUND,
            f"best {samples.best(name) * 1e3:.1f} ms, after {after}; "
            f"it imports {', '.join(sorted(roots)) or 'nothing else'}",
        )


def _import(name: str, bytecode: str) -> tuple[float, list[str]]:
    # An installed package has its bytecode; development mode imports more slowly.
    unset = {"PYTHONDEVMODE", "PYTHONDONTWRITEBYTECODE"}
    kept = {key: value for key, value in os.environ.items() if key not in unset}
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(name=name, after=CASES[name])],
        env={**kept, "PYTHONPYCACHEPREFIX": bytecode},
        capture_output=True,
        check=True,
        text=True,
    )
    seconds, modules = json.loads(ran.stdout)
    return seconds, modules
