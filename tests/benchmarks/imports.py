"""The first import, in a process that has set up Django already."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from tempfile import TemporaryDirectory

from tests.processes import environment

from . import peers
from .measuring import Result, Samples, turns
from .tables import Column, Table

BOUND = 10.0
ROUNDS = 9

# Each is imported after the other; every ASGI process has Django's handler.
CASES = {
    "django_lifespan_typed": "django",
    "django_lifespan_typed.asgi": "django.core.asgi",
    "django_lifespan_typed.middleware": "django.core.asgi",
}

# The imports of a project that declares and serves resources. Starlette, aiohttp and
# Litestar are left out, as they replace Django.
PEERS = {
    peers.OURS: "django_lifespan_typed.asgi",
    "django-asgi-lifespan": "django_asgi_lifespan.asgi",
    "svcs": "svcs",
    "dishka": "dishka",
    "dependency-injector": "dependency_injector.containers",
}

SCRIPT = """
import json, sys, time
from django.conf import settings
settings.configure()
import django
django.setup()
import {after}
before = len(sys.modules)
began = time.perf_counter()
import {name}
seconds = time.perf_counter() - began
print(json.dumps([seconds, len(sys.modules) - before]))
"""


def results(quick: bool) -> Iterator[Result | Table]:
    samples = Samples()
    new: dict[str, int] = {}
    left_out = peers.missing()
    theirs = {name: module for name, module in PEERS.items() if name not in left_out}
    cases = [*dict.fromkeys([*CASES, *theirs.values()])]
    with TemporaryDirectory() as bytecode:
        for name in cases:
            if not quick:
                _import(name, bytecode)  # compiles
        for name in turns(cases, 1 if quick else ROUNDS):
            seconds, new[name] = _import(name, bytecode)
            samples.add(name, seconds)
    for name, after in CASES.items():
        yield Result(
            f"import {name}",
            samples.median(name) * 1e3,
            "ms",
            BOUND,
            f"best {samples.best(name) * 1e3:.1f} ms, after {after}",
        )
    yield Table(
        "imports",
        "Import, in a process that has Django's ASGI handler already",
        (Column("time", "ms"), Column("modules", "new")),
        {
            name: (samples.median(module) * 1e3, new[module])
            for name, module in theirs.items()
        },
        baseline=peers.OURS,
    )


def _import(name: str, bytecode: str) -> tuple[float, int]:
    after = CASES.get(name, "django.core.asgi")
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(name=name, after=after)],
        env=environment(
            PYTHONDEVMODE=None,  # it imports more slowly
            PYTHONDONTWRITEBYTECODE=None,
            PYTHONPYCACHEPREFIX=bytecode,
        ),
        capture_output=True,
        check=True,
        text=True,
    )
    seconds, new = json.loads(ran.stdout)
    return seconds, new
