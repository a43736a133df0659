"""``manage.py check`` on whole projects, good and bad."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.processes import ROOT, running
from tests.test_readme import BLOCK, README

from .project import check, write

PAGE = (ROOT / "docs" / "reference" / "checks.md").read_text("utf-8")
SILENCING, WITH_ASGI, AROUND_ROUTER, NAMING_ASGI = re.findall(
    r"```python\n(.*?)```", PAGE, re.DOTALL
)
QUIET = (0, "System check identified no issues (0 silenced).")
PLAIN_ASGI = """\
from django.core.asgi import get_asgi_application

application = get_asgi_application()
"""
WITH_WSGI = """\
from django_lifespan_typed.wsgi import get_wsgi_application

application = get_wsgi_application()
"""
IMPORTS = """\
from channels.routing import ProtocolTypeRouter
from django_lifespan_typed.asgi import get_asgi_application, with_lifespan
"""
ROUTER = 'application = ProtocolTypeRouter({"http": get_asgi_application()})'
NO_ASGI = {
    "mysite/asgi.py": None,
    "+mysite/settings.py": "del ASGI_APPLICATION",
}
# The resource 'pool' is declared in a module that only the application imports.
POOL = """
from django_lifespan_typed import StateKey, lifespan_resource

@lifespan_resource(StateKey[str]("pool"))
async def pool() -> str:
    return "pool"
"""
NEEDS_POOL = """
@lifespan_resource("index", needs=(StateKey[str]("pool"),))
async def index(pool: str) -> str:
    return pool
"""
URLS_IMPORT_POOL = {"+mysite/urls.py": "\nimport mysite.pool"}
MANAGER = "register_lifespan_manager(context_manager=dict)"

Changes = dict[str, str | None]
BAD: dict[str, Changes] = {
    "lifespan.E001": {"+mysite/lifespan.py": NEEDS_POOL},
    "lifespan.E002": {
        "+mysite/lifespan.py": """
            A, B = StateKey[str]("a"), StateKey[str]("b")

            @lifespan_resource(A, needs=(B,))
            async def a(b: str) -> str:
                return b

            @lifespan_resource(B, needs=(A,))
            async def b(a: str) -> str:
                return a
            """
    },
    "lifespan.E003": {"+mysite/settings.py": 'LIFESPAN = {"STOP_BUGET": 9}'},
    "lifespan.E004": {"+mysite/settings.py": 'LIFESPAN = {"STOP_BUDGET": "9"}'},
    "lifespan.W001": {"mysite/asgi.py": 'raise RuntimeError("no PORT")'},
    "lifespan.W002": {"mysite/asgi.py": PLAIN_ASGI},
    "lifespan.W003": {"mysite/asgi.py": IMPORTS + ROUTER},
    "lifespan.W004": NO_ASGI,
    "lifespan.W005": {
        "+mysite/lifespan.py": MANAGER,
        "+mysite/settings.py": "MIDDLEWARE = []",
    },
    "lifespan.W006": {
        "+mysite/lifespan.py": NEEDS_POOL,
        "+mysite/asgi.py": POOL,
        "+mysite/settings.py": "del ASGI_APPLICATION",
    },
    "lifespan.W007": {
        "+mysite/lifespan.py": """
            @lifespan_resource("pool")
            async def pool():
                yield object()
            """
    },
    "lifespan.W008": {"+mysite/settings.py": 'LIFESPAN = {"STOP_BUDGET": 19.5}'},
    "lifespan.W009": {
        "+mysite/lifespan.py": """
            class Connection:
                async def close(self) -> None: ...

            @lifespan_resource("connection")
            async def connection() -> Connection:
                return Connection()
            """
    },
    "lifespan.W010": {
        "mysite/pool.py": POOL,
        **URLS_IMPORT_POOL,
    },
}


@pytest.mark.parametrize(("number", "changes"), list(BAD.items()), ids=list(BAD))
def test_a_problem_gets_one_message(
    number: str, changes: Changes, tmp_path: Path
) -> None:
    """Errors fail the command, warnings do not; nothing is started."""
    write(tmp_path, changes)

    code, output = check(tmp_path)

    assert re.findall(r"\((lifespan\.\w+)\)", output) == [number], output
    assert code == (1 if number.startswith("lifespan.E") else 0)
    assert "\tHINT: " in output
    assert "db started" not in output
    assert "Traceback" not in output


GOOD: dict[str, Changes] = {
    "as documented": {"mysite/asgi.py": WITH_ASGI},
    "asgi.py registers a dependency": {
        "+mysite/lifespan.py": NEEDS_POOL,
        "+mysite/asgi.py": POOL,
        "+mysite/settings.py": f"del ASGI_APPLICATION\n{NAMING_ASGI}",
    },
    "managers": {"+mysite/lifespan.py": MANAGER},
    "Channels": {"mysite/asgi.py": IMPORTS + AROUND_ROUTER},
    "Daphne": {
        "+mysite/settings.py": "INSTALLED_APPS = ['daphne', 'channels', "
        "'django.contrib.staticfiles', *INSTALLED_APPS]\nSTATIC_URL = 's/'"
    },
    "WSGI": {**NO_ASGI, "mysite/wsgi.py": WITH_WSGI},
    "asgi.py without a setting": {"+mysite/settings.py": "del ASGI_APPLICATION"},
    "asgi.py and the URLconf import a resource": {
        "mysite/pool.py": POOL,
        "mysite/plumbing.py": "from . import pool",
        "+mysite/asgi.py": "from .plumbing import pool",
        **URLS_IMPORT_POOL,
    },
    "asgi.py that is not named imports it": {
        "mysite/pool.py": POOL,
        "+mysite/settings.py": "del ASGI_APPLICATION",
        "+mysite/asgi.py": "import mysite.pool",
        **URLS_IMPORT_POOL,
    },
    "middleware imports it": {
        "mysite/pool.py": POOL,
        "mysite/middleware.py": """
            from . import pool

            def middleware(get_response):
                return get_response
            """,
        "+mysite/settings.py": "MIDDLEWARE += ['mysite.middleware.middleware']",
        **URLS_IMPORT_POOL,
    },
    "asgi.py imports the URLconf": {
        "mysite/pool.py": POOL,
        "+mysite/asgi.py": "import mysite.urls",
        **URLS_IMPORT_POOL,
    },
    "an app imports the URLconf": {
        "mysite/pool.py": POOL,
        "+mysite/lifespan.py": "import mysite.urls",
        **URLS_IMPORT_POOL,
    },
    "no resources": {"mysite/lifespan.py": "", "mysite/asgi.py": PLAIN_ASGI},
}


@pytest.mark.parametrize("changes", GOOD.values(), ids=GOOD.keys())
def test_a_good_project_gets_no_message(changes: Changes, tmp_path: Path) -> None:
    write(tmp_path, changes)

    assert check(tmp_path) == QUIET


def test_the_project_of_the_readme_gets_no_message(tmp_path: Path) -> None:
    start = ("-m", "django", "startproject", "mysite", ".")
    with running(*start, folder=tmp_path) as started:
        assert started.wait() == 0, started.output
    for name, text in BLOCK.findall(README.read_text()):
        # The README adds to the settings.
        mode = "a" if name == "mysite/settings.py" else "w"
        with (tmp_path / name).open(mode) as file:
            file.write(text)

    assert check(tmp_path) == QUIET


def test_the_registry_of_the_application_is_checked(tmp_path: Path) -> None:
    own = """
        from django_lifespan_typed import Registry, StateKey, lifespan_resource
        own = Registry()

        @lifespan_resource("a", needs=(StateKey[str]("gone"),), registry=own)
        async def a(gone: str) -> str:
            return gone

        application = get_asgi_application(own)
        """
    write(tmp_path, {"+mysite/asgi.py": own})

    code, output = check(tmp_path)

    assert code == 1
    assert "(lifespan.E001) lifespan resource 'a' depends on 'gone'" in output


@pytest.mark.parametrize("tags", [(), ("--tag", "lifespan"), ("--tag", "urls")])
def test_a_manager_that_only_the_urlconf_registers_is_reported(
    tags: tuple[str, ...], tmp_path: Path
) -> None:
    """Whichever of the checks imports the URLconf."""
    changes: Changes = {
        "mysite/clients.py": """
            from django_lifespan_typed.register import register_lifespan_manager

            register_lifespan_manager(context_manager=dict)
            """,
        "+mysite/urls.py": "\nimport mysite.clients",
    }
    write(tmp_path, changes)

    _, output = check(tmp_path, *tags, "--tag", "async_support")

    assert "(lifespan.W010) lifespan resource 'manager builtins.dict'" in output
    assert "mysite/clients.py:4" in output
    assert "import mysite.clients there" in output


def test_receivers_of_signals_need_a_lifespan(tmp_path: Path) -> None:
    receiver = """
        from django_lifespan_typed.signals import asgi_startup

        def receive(**_):
            ...

        asgi_startup.connect(receive)
        """
    write(tmp_path, {"mysite/asgi.py": PLAIN_ASGI, "mysite/lifespan.py": receiver})

    _, output = check(tmp_path)

    assert "(lifespan.W002)" in output
    assert "Registered: receivers of the lifespan signals." in output


@pytest.mark.parametrize("tag", ["lifespan", "async_support"])
def test_tags_select_the_checks(tag: str, tmp_path: Path) -> None:
    write(tmp_path, BAD["lifespan.W002"])

    code, output = check(tmp_path, "--tag", tag, "--fail-level", "WARNING")

    assert code == 1
    assert "(lifespan.W002)" in output


@pytest.mark.parametrize(
    "changes",
    [
        {
            "+mysite/lifespan.py": NEEDS_POOL,
            "+mysite/urls.py": POOL,
            "+mysite/settings.py": 'SILENCED_SYSTEM_CHECKS = ["lifespan.W010"]',
        },
        {"mysite/urls.py": "raise LookupError('no urls')"},
    ],
    ids=["registers a dependency", "broken"],
)
def test_the_urlconf_is_imported_without_djangos_checks(
    changes: Changes, tmp_path: Path
) -> None:
    """Its modules may register dependencies; Django reports its errors."""
    write(tmp_path, changes)

    code, output = check(tmp_path, "--tag", "lifespan")

    assert code == 0
    assert output.startswith("System check identified no issues")


def test_a_check_is_silenced_as_the_page_says(tmp_path: Path) -> None:
    write(tmp_path, BAD["lifespan.W004"])
    with (tmp_path / "mysite" / "settings.py").open("a") as settings:
        settings.write(f"\n{SILENCING}")

    code, output = check(tmp_path)

    assert code == 0
    assert output == "System check identified no issues (1 silenced)."


def test_the_page_checks_md_has_a_section_for_each_check() -> None:
    headings = re.findall(r"^### (lifespan\.\w+): ", PAGE, re.MULTILINE)

    assert headings == list(BAD)
