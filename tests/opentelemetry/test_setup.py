"""Installing, importing and turning it on and off."""

from __future__ import annotations

import subprocess
import sys

from django_lifespan_typed.opentelemetry import uninstrument
from tests.processes import LIMIT, environment
from tests.runtime.probes import Probes

from .conftest import Telemetry


def python(code: str) -> str:
    """Run *code*, and return what it prints."""
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


async def test_a_second_call_changes_nothing(
    telemetry: Telemetry, probes: Probes
) -> None:
    other = Telemetry()

    telemetry.instrument()
    other.instrument()
    async with probes.lifespan():
        points = other.points()

    assert len(telemetry.spans()) == 2
    assert (other.spans(), points) == ({}, {})


async def test_uninstrument_ends_the_reports_until_the_next_call(
    telemetry: Telemetry, probes: Probes
) -> None:
    probes.add("db")

    uninstrument()
    uninstrument()
    async with probes.lifespan():
        without = telemetry.points()
        telemetry.instrument()
        again = telemetry.phases()

    assert without == {}
    assert again == {"running": 1}
    assert list(telemetry.spans()) == ["shut down db", "lifespan shutdown"]


# The first block runs without an SDK.
GLOBAL_PROVIDERS = """
from django.conf import settings
settings.configure()
from django_lifespan_typed import Lifespan
from django_lifespan_typed.opentelemetry import instrument
from opentelemetry import metrics, trace
from tests.opentelemetry.conftest import Telemetry

instrument()
with Lifespan():
    pass
telemetry = Telemetry()
trace.set_tracer_provider(telemetry.tracer_provider)
metrics.set_meter_provider(telemetry.meter_provider)
with Lifespan():
    print(len(telemetry.points()))
print(*telemetry.spans(), sep=", ")
"""


def test_the_global_providers_may_be_set_later() -> None:
    assert python(GLOBAL_PROVIDERS) == "7\nlifespan startup, lifespan shutdown\n"


WITHOUT_OPENTELEMETRY = """
import sys
from importlib.abc import MetaPathFinder

class Hidden(MetaPathFinder):
    def find_spec(self, name, *_):
        if name.partition(".")[0] == "opentelemetry":
            print("imported")
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden())
from django.conf import settings
settings.configure(INSTALLED_APPS=["django_lifespan_typed"])
import django
django.setup()
import django_lifespan_typed.asgi, django_lifespan_typed.wsgi
from django_lifespan_typed import Lifespan
with Lifespan():
    print("works")
try:
    import django_lifespan_typed.opentelemetry
except ImportError as error:
    print(error)
"""


def test_only_the_module_imports_the_package() -> None:
    assert python(WITHOUT_OPENTELEMETRY) == (
        "works\nimported\n"
        "django_lifespan_typed.opentelemetry needs opentelemetry-api, which is not "
        'installed\nInstall it: pip install "django-lifespan-typed[otel]"\n'
    )
