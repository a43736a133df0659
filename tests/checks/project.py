"""A project as startproject makes it, with a lifespan, and its ``manage.py check``."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from tests.processes import running

GOOD = {
    "manage.py": """\
        import os, sys
        from django.core.management import execute_from_command_line

        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
        execute_from_command_line(sys.argv)
        """,
    "mysite/__init__.py": "",
    "mysite/settings.py": """\
        SECRET_KEY = "of the tests"
        USE_TZ = True
        ROOT_URLCONF = "mysite.urls"
        WSGI_APPLICATION = "mysite.wsgi.application"
        ASGI_APPLICATION = "mysite.asgi.application"
        INSTALLED_APPS = ["django_lifespan_typed", "mysite"]
        MIDDLEWARE = [
            "django_lifespan_typed.middleware.LifespanStateMiddleware",
            "mysite.middleware.count",
        ]
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
        from django_lifespan_typed import lifespan_resource

        @lifespan_resource("db")
        async def db() -> AsyncGenerator[str, None]:
            print("db started")
            yield "db"
            print("db stopped")

        @lifespan_resource("cache", needs=(db,))
        async def cache(db: str) -> AsyncGenerator[str, None]:
            yield "cache"
        """,
    "mysite/middleware.py": """\
        def count(get_response):
            def middleware(request):
                request.count = request.state["count"]
                return get_response(request)
            return middleware
        """,
    "mysite/views.py": """\
        from django.http import HttpResponse

        def index(request):
            return HttpResponse(request.state["db"])
        """,
    "mysite/urls.py": """\
        from django.urls import path
        from . import views

        urlpatterns = [path("", views.index)]
        """,
}


def write(folder: Path, changed: dict[str, str]) -> None:
    """The good project, but for the files in *changed*; a ``+`` appends to one."""
    for name in GOOD.keys() | {name.removeprefix("+") for name in changed}:
        text = changed.get(name, GOOD.get(name, ""))
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(dedent(text) + dedent(changed.get(f"+{name}", "")))


def check(folder: Path, *options: str, **variables: str | None) -> tuple[int, str]:
    """The exit code and the output of ``manage.py check``."""
    with running("manage.py", "check", *options, folder=folder, **variables) as ran:
        return ran.wait(), ran.output
