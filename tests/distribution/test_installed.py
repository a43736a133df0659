"""A project with the installed wheel and Django, and no other package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from tests.processes import LIMIT, Process, running

from .conftest import Distribution

pytestmark = pytest.mark.timeout(300)

SETTINGS = """
INSTALLED_APPS += ["django_lifespan_typed", "mysite"]
WSGI_APPLICATION = "mysite.serve.application"
"""
LIFESPAN = """
from collections.abc import AsyncGenerator
from django_lifespan_typed import lifespan_resource

@lifespan_resource("greeting")
async def greeting() -> AsyncGenerator[str]:
    yield "good morning"
    print("closed", flush=True)
"""
URLS = """
from django.http import HttpResponse
from django.urls import path
from django_lifespan_typed import get_state
from .lifespan import greeting

urlpatterns = [path("", lambda request: HttpResponse(get_state(request, greeting)))]
"""
# The environment has no other server than that of the standard library.
SERVE = """
from wsgiref.simple_server import make_server

from django_lifespan_typed.wsgi import get_wsgi_application

application = get_wsgi_application()

if __name__ == "__main__":
    with make_server("127.0.0.1", 0, application) as server:
        print("serves at", server.server_port, flush=True)
        server.handle_request()
"""


@pytest.fixture(scope="module")
def environment(
    distribution: Distribution, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The Python of an environment with the wheel and its dependencies."""
    folder = tmp_path_factory.mktemp("installed")
    python = folder / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, str(distribution.wheel)], check=True, cwd=folder)
    return python


def installed(
    python: Path, *command: str, folder: Path, **variables: str
) -> AbstractContextManager[Process]:
    """Run *command* with *python*, which does not see the sources."""
    become = "import os, sys; os.execv(sys.argv[1], sys.argv[1:])"
    started = ("-c", become, str(python), "-W", "error", *command)
    return running(*started, folder=folder, PYTHONPATH=None, **variables)


def run(python: Path, *command: str, folder: Path) -> Process:
    with installed(python, *command, folder=folder) as process:
        assert process.wait() == 0, process.output
    return process


@pytest.fixture
def project(environment: Path, tmp_path: Path) -> Path:
    """A new project with a resource and a view that returns it."""
    start = ("-m", "django", "startproject", "mysite", ".")
    run(environment, *start, folder=tmp_path)
    with (tmp_path / "mysite" / "settings.py").open("a") as settings:
        settings.write(SETTINGS)
    for name, code in (("lifespan", LIFESPAN), ("urls", URLS), ("serve", SERVE)):
        (tmp_path / "mysite" / f"{name}.py").write_text(code)
    return tmp_path


def test_the_system_checks_find_nothing(environment: Path, project: Path) -> None:
    check = run(environment, "manage.py", "check", folder=project)

    assert check.lines == ["System check identified no issues (0 silenced)."]


def test_a_request_is_served_and_the_resource_closed(
    environment: Path, project: Path
) -> None:
    with installed(
        *(environment, "-m", "mysite.serve"),
        folder=project,
        DJANGO_SETTINGS_MODULE="mysite.settings",
    ) as server:
        port = server.until(r"serves at (\d+)")
        answer = httpx.get(f"http://127.0.0.1:{port}", timeout=LIMIT, trust_env=False)
        code = server.wait()

    assert answer.text == "good morning"
    assert (code, server.lines[-1]) == (0, "closed")


IMPORTS = """
import importlib, os, pathlib
import django

os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
django.setup()
import django_lifespan_typed as ours

folder = pathlib.Path(ours.__file__).parent
assert "site-packages" in folder.parts, folder
for path in sorted(folder.rglob("*.py")):
    name = ".".join(path.relative_to(folder.parent).with_suffix("").parts)
    try:
        importlib.import_module(name.removesuffix(".__init__"))
    except ImportError as error:
        missing = error.name or error.__cause__ and error.__cause__.name
        print(name.removesuffix(".__init__"), "needs", missing)
"""


def test_only_integrations_import_other_packages(
    environment: Path, project: Path
) -> None:
    (project / "imports.py").write_text(IMPORTS)

    imports = run(environment, "imports.py", folder=project)

    packages = {line.rpartition(" needs ")[2] for line in imports.lines}
    others = {"celery", "debug_toolbar", "opentelemetry", "pytest", "twisted"}
    assert packages == others


@pytest.mark.checkers
def test_pyright_knows_every_public_type(
    distribution: Distribution, tmp_path: Path
) -> None:
    environment = tmp_path / "environment"
    create = [sys.executable, "-m", "venv", "--without-pip", environment]
    subprocess.run(create, check=True)
    (site_packages,) = environment.glob("lib/python*/site-packages")
    pip = [sys.executable, "-m", "pip", "--python", environment / "bin" / "python"]
    subprocess.run(
        [*pip, "install", "--quiet", "--no-deps", str(distribution.wheel)], check=True
    )
    # The packages of development, without its editable install of this one.
    (site_packages / "development.pth").write_text(sysconfig.get_path("purelib"))

    done = subprocess.run(
        [
            *(sys.executable, "-m", "pyright", "--outputjson", "--ignoreexternal"),
            *("--verifytypes", "django_lifespan_typed"),
        ],
        check=False,
        capture_output=True,
        text=True,
        cwd=site_packages,
        # pyright uses the first Python in PATH.
        env={
            "HOME": os.environ["HOME"],
            "PATH": f"{environment}/bin:{os.environ['PATH']}",
        },
    )

    found = json.loads(done.stdout)["typeCompleteness"]
    assert str(site_packages) in found["pyTypedPath"]
    unknown = {
        symbol["name"]: symbol["diagnostics"]
        for symbol in found["symbols"]
        if symbol["isTypeAmbiguous"] or not symbol["isTypeKnown"]
    }
    assert unknown == {}
    assert done.returncode == 0, done.stdout
