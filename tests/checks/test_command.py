"""``manage.py check`` on real projects: what it says of bad ones, and of good ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.processes import ROOT, copied, running
from tests.test_readme import BLOCK, README

from .project import check, write

PAGE = ROOT / "docs" / "reference" / "checks.md"
SILENCING, WITH_ASGI, AROUND_ROUTER, NAMING_ASGI = re.findall(
    r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL
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

DECLARED_IN_ASGI = {
    "mysite/keys.py": """
        from django_lifespan_typed import StateKey

        POOL = StateKey[str]("pool")
        """,
    "mysite/pool.py": """
        from django_lifespan_typed import lifespan_resource
        from .keys import POOL

        @lifespan_resource(POOL)
        async def pool() -> str:
            return "pool"
        """,
    "+mysite/lifespan.py": """
        from .keys import POOL

        @lifespan_resource("index", needs=(POOL,))
        async def index(pool: str) -> str:
            return pool
        """,
    "+mysite/asgi.py": "import mysite.pool",
}

BAD = {
    "lifespan.E001": {
        "+mysite/lifespan.py": """
            from django_lifespan_typed import StateKey

            @lifespan_resource("index", needs=(StateKey[str]("serch"),))
            async def index(search: str) -> str:
                return search
            """
    },
    "lifespan.E002": {
        "+mysite/lifespan.py": """
            from django_lifespan_typed import StateKey

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
    "lifespan.W004": {
        "mysite/asgi.py": PLAIN_ASGI,
        "+mysite/settings.py": "del ASGI_APPLICATION",
    },
    "lifespan.W005": {"+mysite/settings.py": "MIDDLEWARE = []"},
    "lifespan.W006": {"+mysite/settings.py": "MIDDLEWARE.reverse()"},
    "lifespan.W007": {
        "+mysite/lifespan.py": """
            @lifespan_resource("pool")
            async def pool():
                yield object()
            """
    },
    "lifespan.W008": {"+mysite/settings.py": 'LIFESPAN = {"STOP_BUDGET": 19.5}'},
    "lifespan.W009": {
        **DECLARED_IN_ASGI,
        "+mysite/settings.py": "del ASGI_APPLICATION",
    },
}
each = pytest.mark.parametrize(("number", "changed"), list(BAD.items()), ids=list(BAD))


@each
def test_says_what_is_wrong(
    number: str, changed: dict[str, str], tmp_path: Path
) -> None:
    """That alone, once; errors fail the command, and warnings do not."""
    write(tmp_path, changed)

    code, output = check(tmp_path)

    assert re.findall(r"\((lifespan\.\w+)\)", output) == [number], output
    assert code == (1 if number.startswith("lifespan.E") else 0)
    assert "\tHINT: " in output
    assert f"See {number} in docs/reference/checks.md." in output
    assert "1 issue (0 silenced)" in output or code
    assert "db started" not in output
    assert "Traceback" not in output


@each
def test_is_silenced_by_its_number(
    number: str, changed: dict[str, str], tmp_path: Path
) -> None:
    """As Django's own are."""
    write(tmp_path, changed)
    with (tmp_path / "mysite" / "settings.py").open("a") as settings:
        settings.write(f"\nSILENCED_SYSTEM_CHECKS = [{number!r}]\n")

    assert check(tmp_path) == (
        0,
        "System check identified no issues (1 silenced).",
    )


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({}, id="as it is here"),
        pytest.param(
            {
                **DECLARED_IN_ASGI,
                "+mysite/settings.py": f"del ASGI_APPLICATION\n{NAMING_ASGI}",
            },
            id="asgi.py imports what is needed",
        ),
        pytest.param(
            {
                **DECLARED_IN_ASGI,
                "mysite/asgi.py": PLAIN_ASGI,
                "+mysite/asgi.py": "",
                "mysite/wsgi.py": WITH_WSGI,
                "+mysite/wsgi.py": "import mysite.pool",
                "+mysite/settings.py": "del ASGI_APPLICATION",
            },
            id="wsgi.py imports what is needed",
        ),
        pytest.param({"mysite/asgi.py": WITH_ASGI}, id="as documented"),
        pytest.param({"mysite/asgi.py": IMPORTS + AROUND_ROUTER}, id="Channels"),
        pytest.param(
            {
                "+mysite/settings.py": "INSTALLED_APPS = ['daphne', 'channels', "
                "'django.contrib.staticfiles', *INSTALLED_APPS]\nSTATIC_URL = 's/'"
            },
            id="Daphne",
        ),
        pytest.param(
            {
                "+mysite/settings.py": "del ASGI_APPLICATION",
                "mysite/asgi.py": "",
                "mysite/wsgi.py": WITH_WSGI,
            },
            id="WSGI",
        ),
        pytest.param(
            {"mysite/lifespan.py": "", "mysite/asgi.py": PLAIN_ASGI},
            id="no resources yet",
        ),
    ],
)
def test_says_nothing_of_a_good_project(
    changed: dict[str, str], tmp_path: Path
) -> None:
    """Nor does a resource start while the application is imported."""
    write(tmp_path, changed)

    assert check(tmp_path) == QUIET


def test_says_nothing_of_the_example_site(tmp_path: Path) -> None:
    """``make demo`` is how it is meant."""
    command = (str(ROOT / "example_site" / "manage.py"), "check")
    with running(*command, folder=tmp_path) as ran:
        code = ran.wait()

    assert (code, ran.output) == QUIET


def test_says_nothing_of_the_project_of_the_readme(tmp_path: Path) -> None:
    """As startproject makes it, and the README goes on."""
    start = ("-m", "django", "startproject", "mysite", ".")
    with running(*start, folder=tmp_path) as started:
        assert started.wait() == 0, started.output
    for name, text in BLOCK.findall(README.read_text()):
        # The settings are added to.
        mode = "a" if name == "mysite/settings.py" else "w"
        with (tmp_path / name).open(mode) as file:
            file.write(text)

    assert check(tmp_path) == QUIET
    _, output = check(tmp_path, "--deploy")
    assert "(security." in output  # Django's, of any fresh project
    assert "(lifespan." not in output


@pytest.mark.parametrize("project", ["channels", "daphne"])
def test_says_nothing_of_the_projects_of_other_tests(
    project: str, tmp_path: Path
) -> None:
    """They are served for real elsewhere."""
    site = copied(ROOT / "tests" / project / "project", tmp_path)
    with (site / "mysite" / "settings.py").open("a") as settings:
        settings.write(
            '\nINSTALLED_APPS = [*INSTALLED_APPS, "django_lifespan_typed"]\n'
            'ASGI_APPLICATION = "mysite.asgi.application"\n'
        )

    assert check(site) == QUIET


def test_reads_resources_that_the_application_declares(tmp_path: Path) -> None:
    """In asgi.py and in a registry of its own, too."""
    declares = """
        from django_lifespan_typed import Registry, StateKey, lifespan_resource
        own = Registry()

        @lifespan_resource("a", needs=(StateKey[str]("gone"),), registry=own)
        async def a(gone: str) -> str:
            return gone

        application = get_asgi_application(own)
        """
    write(tmp_path, {"+mysite/asgi.py": declares})

    code, output = check(tmp_path)

    assert code == 1
    assert "lifespan resource 'a' depends on 'gone', which is not registered" in output


@pytest.mark.parametrize("tag", ["lifespan", "async_support"])
def test_has_tags(tag: str, tmp_path: Path) -> None:
    """One of its own, and Django's for what is asynchronous."""
    write(tmp_path, BAD["lifespan.W005"])

    code, output = check(tmp_path, "--tag", tag, "--fail-level", "WARNING")

    assert code == 1
    assert "(lifespan.W005)" in output


def test_a_broken_urlconf_is_left_to_django(tmp_path: Path) -> None:
    """Ours never raise."""
    write(tmp_path, {"mysite/urls.py": "urlpatterns = [1 / 0]"})

    assert check(tmp_path, "--tag", "lifespan") == QUIET


def test_is_silenced_as_the_page_says(tmp_path: Path) -> None:
    """The line is right as pasted."""
    write(tmp_path, BAD["lifespan.W004"])
    with (tmp_path / "mysite" / "settings.py").open("a") as settings:
        settings.write(f"\n{SILENCING}")

    code, output = check(tmp_path)

    assert code == 0
    assert output == "System check identified no issues (1 silenced)."


def test_the_page_has_a_section_for_each() -> None:
    """And for no other."""
    headings = re.findall(r"^### (lifespan\.\w+): ", PAGE.read_text(), re.MULTILINE)

    assert headings == list(BAD)


def test_urls_that_cannot_be_imported_are_no_failure_of_ours(tmp_path: Path) -> None:
    """Django's own checks say what is wrong with them, where they are run."""
    write(
        tmp_path,
        {
            "+mysite/settings.py": "MIDDLEWARE = []",
            "mysite/urls.py": "raise LookupError('no urls')",
        },
    )

    found = check(tmp_path, "--tag", "lifespan")

    assert found == (0, "System check identified no issues (0 silenced).")
