"""A small project with a lifespan, and its ``manage.py check``."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from tests.processes import running

GOOD = {
    "mysite/__init__.py": "",
    "mysite/settings.py": """\
        SECRET_KEY = "of the tests"
        USE_TZ = True
        ROOT_URLCONF = "mysite.urls"
        WSGI_APPLICATION = "mysite.wsgi.application"
        ASGI_APPLICATION = "mysite.asgi.application"
        INSTALLED_APPS = ["django_lifespan_typed", "mysite"]
        MIDDLEWARE = ["django_lifespan_typed.middleware.LifespanStateMiddleware"]
        """,
    "mysite/asgi.py": """\
        from django_lifespan_typed.asgi import get_asgi_application

        application = get_asgi_application()
        """,
    "mysite/wsgi.py": """\
        from django.core.wsgi import get_wsgi_application

        application = get_wsgi_application()
        """,
    "mysite/lifespan.py": """\
        from collections.abc import AsyncGenerator
        from django_lifespan_typed import StateKey, lifespan_resource
        from django_lifespan_typed.register import register_lifespan_manager

        @lifespan_resource("db")
        async def db() -> AsyncGenerator[str, None]:
            print("db started")
            yield "db"

        @lifespan_resource("cache", needs=(db,))
        async def cache(db: str) -> AsyncGenerator[str, None]:
            yield "cache"
        """,
    "mysite/urls.py": "urlpatterns = []",
}


def write(folder: Path, changes: dict[str, str | None]) -> None:
    """
    Write the good project with these changes.

    A change replaces a file, removes it (None) or, with a ``+`` before the name, is
    appended to it.
    """
    files = {**GOOD}
    for name, text in changes.items():
        if text is None:
            del files[name]
        elif name.startswith("+"):
            files[name[1:]] = dedent(files[name[1:]]) + dedent(text)
        else:
            files[name] = text
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(dedent(text))


def check(folder: Path, *options: str) -> tuple[int, str]:
    """Return the exit code and the output of ``manage.py check``."""
    command = ("-m", "django", "check", "--settings=mysite.settings", *options)
    with running(*command, folder=folder) as ran:
        return ran.wait(), ran.output
