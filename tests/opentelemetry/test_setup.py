"""Installing, importing and turning it on and off."""

from __future__ import annotations

import subprocess
import sys

from django_lifespan_typed.opentelemetry import instrument, uninstrument
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
    probes.add("db")

    telemetry.instrument()
    other.instrument()
    async with probes.lifespan():
        phases = telemetry.phases(), other.phases()

    assert len(telemetry.spans()) == 4
    assert other.spans() == {}
    assert phases == ({"running": 1}, {})


async def test_uninstrument_ends_the_spans_until_the_next_call(
    telemetry: Telemetry, probes: Probes
) -> None:
    uninstrument()
    uninstrument()
    async with probes.lifespan():
        telemetry.instrument()

    assert list(telemetry.spans()) == ["lifespan shutdown"]


async def test_without_an_sdk_nothing_is_reported(probes: Probes) -> None:
    probes.add("db")

    instrument()
    try:
        await probes.run()
    finally:
        uninstrument()

    assert probes.journal == ["+db", "-db"]


GLOBAL_PROVIDERS = """
from django.conf import settings
settings.configure()
from django_lifespan_typed import Lifespan
from django_lifespan_typed.opentelemetry import instrument
from opentelemetry import metrics, trace
from tests.opentelemetry.conftest import Telemetry

instrument()
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
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden())
import django_lifespan_typed.asgi, django_lifespan_typed.wsgi
try:
    import django_lifespan_typed.opentelemetry
except ImportError as error:
    print(error)
"""


def test_the_error_without_the_package_says_how_to_install_it() -> None:
    assert python(WITHOUT_OPENTELEMETRY) == (
        "django_lifespan_typed.opentelemetry needs opentelemetry-api, which is not "
        'installed\nInstall it: pip install "django-lifespan-typed[otel]"\n'
    )


NOTHING_IMPORTED = """
import sys
from django.conf import settings
settings.configure(INSTALLED_APPS=["django_lifespan_typed"])
import django
django.setup()
import django_lifespan_typed.asgi, django_lifespan_typed.wsgi
from django_lifespan_typed import Lifespan
with Lifespan():
    pass
print([name for name in sys.modules if "opentelemetry" in name])
"""


def test_nothing_of_it_is_imported_by_default() -> None:
    assert python(NOTHING_IMPORTED) == "[]\n"
