"""``manage.py check`` on whole projects, good and bad."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.processes import ROOT

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
BAD_RESOURCES = """
A, B = StateKey[str]("a"), StateKey[str]("b")

@lifespan_resource(A, needs=(B,))
async def a(b: str) -> str:
    return b

@lifespan_resource(B, needs=(A,))
async def b(a: str) -> str:
    return a

@lifespan_resource("untyped")
async def untyped():
    yield object()

class Connection:
    async def close(self) -> None: ...

@lifespan_resource("connection")
async def connection() -> Connection:
    return Connection()
"""

Changes = dict[str, str | None]
# The numbers of the messages about a project, in order.
BAD: dict[str, Changes] = {
    "E001 E002 W007 W009 E003 E004 W005": {
        "+mysite/lifespan.py": NEEDS_POOL + BAD_RESOURCES + MANAGER,
        "+mysite/settings.py": """
            LIFESPAN = {"STOP_BUGET": 9, "STOP_BUDGET": "9"}
            MIDDLEWARE = []
            """,
    },
    "W001": {"mysite/asgi.py": 'raise RuntimeError("no PORT")'},
    "W002 W008 W010": {
        "mysite/asgi.py": PLAIN_ASGI,
        "+mysite/settings.py": 'LIFESPAN = {"STOP_BUDGET": 19.5}',
        "mysite/pool.py": POOL,
        **URLS_IMPORT_POOL,
    },
    "W003": {"mysite/asgi.py": IMPORTS + ROUTER},
    "W004": NO_ASGI,
    "W006": {
        "+mysite/lifespan.py": NEEDS_POOL,
        "+mysite/asgi.py": POOL,
        "+mysite/settings.py": "del ASGI_APPLICATION",
    },
}


@pytest.mark.parametrize(("numbers", "changes"), list(BAD.items()), ids=list(BAD))
def test_each_problem_gets_one_message(
    numbers: str, changes: Changes, tmp_path: Path
) -> None:
    """Errors fail the command, warnings do not; nothing is started."""
    write(tmp_path, changes)

    code, output = check(tmp_path)

    found = re.findall(r"\(lifespan\.(\w+)\)", output)
    assert sorted(found) == sorted(numbers.split()), output
    assert code == (1 if "E" in numbers else 0)
    assert output.count("\tHINT: ") == len(found)
    assert "db started" not in output
    assert "Traceback" not in output


GOOD: dict[str, Changes] = {
    "as documented": {
        "mysite/asgi.py": WITH_ASGI,
        "+mysite/lifespan.py": MANAGER,
        "+mysite/settings.py": "INSTALLED_APPS = ['daphne', 'channels', "
        "'django.contrib.staticfiles', *INSTALLED_APPS]\nSTATIC_URL = 's/'",
    },
    "asgi.py registers a dependency": {
        "+mysite/lifespan.py": NEEDS_POOL,
        "+mysite/asgi.py": POOL,
        "+mysite/settings.py": f"del ASGI_APPLICATION\n{NAMING_ASGI}",
    },
    "Channels": {"mysite/asgi.py": IMPORTS + AROUND_ROUTER},
    "WSGI": {**NO_ASGI, "mysite/wsgi.py": WITH_WSGI},
    "asgi.py that is not named imports a resource": {
        "mysite/pool.py": POOL,
        "+mysite/settings.py": "del ASGI_APPLICATION",
        "+mysite/asgi.py": "import mysite.pool",
        **URLS_IMPORT_POOL,
    },
    "asgi.py and middleware import resources": {
        "mysite/pool.py": POOL,
        "mysite/plumbing.py": "from . import pool",
        "+mysite/asgi.py": "from .plumbing import pool",
        "mysite/lake.py": POOL.replace("pool", "lake"),
        "mysite/middleware.py": """
            from . import lake

            def middleware(get_response):
                return get_response
            """,
        "+mysite/settings.py": "MIDDLEWARE += ['mysite.middleware.middleware']",
        "+mysite/urls.py": "\nimport mysite.pool, mysite.lake",
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


@pytest.mark.parametrize("tag", ["lifespan", "urls"])
def test_a_manager_that_only_the_urlconf_registers_is_reported(
    tag: str, tmp_path: Path
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

    _, output = check(tmp_path, "--tag", tag, "--tag", "async_support")

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
    write(tmp_path, NO_ASGI)
    with (tmp_path / "mysite" / "settings.py").open("a") as settings:
        settings.write(f"\n{SILENCING}")

    code, output = check(tmp_path)

    assert code == 0
    assert output == "System check identified no issues (1 silenced)."


def test_the_page_checks_md_has_a_section_for_each_check() -> None:
    headings = re.findall(r"^### lifespan\.(\w+): ", PAGE, re.MULTILINE)

    assert headings == sorted(" ".join(BAD).split())
