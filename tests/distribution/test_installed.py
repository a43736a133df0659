"""A project that has installed the wheel, and nothing of our development."""

from __future__ import annotations

import subprocess
import sys
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
# The standard library's server: there is no other in the environment.
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
    """The interpreter of an environment with the wheel, and what it needs."""
    folder = tmp_path_factory.mktemp("installed")
    python = folder / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, str(distribution.wheel)], check=True, cwd=folder)
    return python


def installed(
    python: Path, *command: str, folder: Path, **variables: str
) -> AbstractContextManager[Process]:
    """*command* with *python*, which does not see our sources."""
    become = "import os, sys; os.execv(sys.argv[1], sys.argv[1:])"
    started = ("-c", become, str(python), "-W", "error", *command)
    return running(*started, folder=folder, PYTHONPATH=None, **variables)


def run(python: Path, *command: str, folder: Path) -> Process:
    """Run *command* with *python* to its end."""
    with installed(python, *command, folder=folder) as process:
        assert process.wait() == 0, process.output
    return process


@pytest.fixture
def project(environment: Path, tmp_path: Path) -> Path:
    """A project of `startproject`, with a resource and a view that gives it."""
    start = ("-m", "django", "startproject", "mysite", ".")
    run(environment, *start, folder=tmp_path)
    with (tmp_path / "mysite" / "settings.py").open("a") as settings:
        settings.write(SETTINGS)
    for name, code in (("lifespan", LIFESPAN), ("urls", URLS), ("serve", SERVE)):
        (tmp_path / "mysite" / f"{name}.py").write_text(code)
    return tmp_path


def test_the_system_checks_find_nothing(environment: Path, project: Path) -> None:
    """`manage.py check` works, and has no complaint."""
    check = run(environment, "manage.py", "check", folder=project)

    assert check.lines == ["System check identified no issues (0 silenced)."]


def test_a_request_is_served_and_what_was_opened_closed(
    environment: Path, project: Path
) -> None:
    """A view has its resource, and the process ends with it closed."""
    served = installed(
        *(environment, "-m", "mysite.serve"),
        folder=project,
        DJANGO_SETTINGS_MODULE="mysite.settings",
    )
    with served as server:
        port = server.until(r"serves at (\d+)")
        answer = httpx.get(f"http://127.0.0.1:{port}", timeout=LIMIT, trust_env=False)
        code = server.wait()

    assert answer.text == "good morning"
    assert server.lines[-1] == "closed"
    assert code == 0


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
    except ModuleNotFoundError as error:
        print(name, "needs", error.name)
    except ImportError as error:
        print(str(error).splitlines()[0])
"""


def test_only_what_is_for_a_package_needs_it(environment: Path, project: Path) -> None:
    """Every other module imports with Django alone."""
    (project / "imports.py").write_text(IMPORTS)

    imports = run(environment, "imports.py", folder=project)

    panels = "django_lifespan_typed.panels needs django-debug-toolbar"
    assert imports.lines == [
        "django_lifespan_typed._asgi.daphne needs twisted",
        "django_lifespan_typed.celery needs celery",
        *[f"{panels}, which is not installed"] * 3,
        "django_lifespan_typed.pytest_plugin needs pytest",
        "django_lifespan_typed.testing.pytest_loops needs pytest",
    ]
