"""Checks of ``request.state``: told from the source, of what is imported and not."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from importlib import import_module
from itertools import count
from pathlib import Path
from textwrap import dedent

import pytest
from django.core.checks import CheckMessage, Warning as Warn
from django.test import override_settings

from django_lifespan_typed.checks.request_state import check_request_state

OURS = "django_lifespan_typed.middleware.LifespanStateMiddleware"
NUMBERS = count()

MIDDLEWARE = """\
from django.utils.deprecation import MiddlewareMixin
from django_lifespan_typed.middleware import LifespanStateMiddleware

class Ours(LifespanStateMiddleware):
    pass

class Early:
    def __init__(self, get_response):
        self.get_response = get_response
    def __call__(self, request):
        request.db = request.state["db"]  # early
        return self.get_response(request)

def early(get_response):
    def middleware(request):
        if request.state["db"]:  # early function
            return get_response(request)
    return middleware

class Mixed(MiddlewareMixin):
    def process_request(self, request):
        request.db = request.state["db"]  # early hook
        return None

class Late(MiddlewareMixin):
    def process_response(self, request, response):
        response["db"] = request.state["db"]  # late hook
        return response
    def process_view(self, request, view, arguments, options):
        request.state["db"]

def late(get_response):
    async def middleware(req: "HttpRequest"):
        response = await get_response(req)
        response["db"] = req.state["db"]  # late
        return response
    return middleware

class Sets(MiddlewareMixin):
    def process_request(self, request):
        request.state = {}

def sets(get_response):
    def middleware(request):
        setattr(request, "state", {})
        return get_response(request)
    return middleware

def guarded(get_response):
    def middleware(request):
        if hasattr(request, "state"):
            request.db = request.state["db"]
        return get_response(request)
    return middleware

def tried(get_response):
    def middleware(request):
        try:
            request.db = request.state["db"]
        except (AttributeError, KeyError):
            request.db = None
        return get_response(request)
    return middleware

class Waiting:
    def __init__(self, get_response):
        self._next = get_response
    def __call__(self, request):
        response = self._next(request)
        response["db"] = request.state["db"]
        return response

class InThread:
    def __init__(self, get_response):
        self.get_response = get_response
    async def __call__(self, request):
        response = await sync_to_async(self.get_response)(request)
        response["db"] = request.state["db"]
        return response

class Unclear:
    def __call__(self, request):
        for step in self.steps:
            step()
        return request.state["db"]

def another(get_response):
    def middleware(request):
        for request in []:
            print(request.state)
        order.state = request.user.state
        return get_response(request)
    return middleware
"""

SHOP = """\
from .state import Early, Given as Passed, Ours, Sets
from .nowhere import Lost
from .state import *
"""
OF_THE_SHOP = """\
from django.middleware.common import CommonMiddleware
from django_lifespan_typed.middleware import LifespanStateMiddleware as Base
from ..broken import Broken
from ..inner import middleware
from ..inner.middleware import Early as AnEarly, Sets, Unwritten

class Ours(Base):
    pass

class Given(Ours, CommonMiddleware):
    pass

class Early(AnEarly):
    pass

class Starred(object, middleware.Early):
    pass

class OfAnother(unknown.Middleware):
    pass

class OfNobody(Ours, Unwritten):
    pass

class OfBroken(Broken):
    pass
"""

URLS = """\
from functools import partial, wraps
from django.urls import include, path
from django.views import View

def plain(request):
    return None
"""

Site = Callable[..., str]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Writes a package, which nobody has imported yet, and gives its name."""

    def write(urls: str = "urlpatterns = []") -> str:
        package = f"state_site_{next(NUMBERS)}"
        (tmp_path / package / "inner").mkdir(parents=True)
        (tmp_path / package / "inner" / "middleware.py").write_text(MIDDLEWARE)
        (tmp_path / package / "broken.py").write_text("request.state is no Python")
        (tmp_path / package / "shop").mkdir()
        (tmp_path / package / "shop" / "__init__.py").write_text(SHOP)
        (tmp_path / package / "shop" / "state.py").write_text(OF_THE_SHOP)
        (tmp_path / package / "urls.py").write_text(URLS + dedent(urls))
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.chdir(tmp_path)
        return package

    return write


def found(package: str, *middleware: str) -> list[CheckMessage]:
    """What the check says; a name without a dot is of the package's middleware."""
    paths = [
        path if "." in path else f"{package}.inner.middleware.{path}"
        for path in middleware
    ]
    with override_settings(MIDDLEWARE=paths, ROOT_URLCONF=f"{package}.urls"):
        return list(check_request_state())


def missing(drawn: str) -> CheckMessage:
    return Warn(
        "request.state is used, but LifespanStateMiddleware, which sets it, is not in "
        f"settings.MIDDLEWARE\n{drawn}",
        hint=f'Write "{OURS}" in MIDDLEWARE, before what uses it; or '
        "get_state(request, KEY), which needs no middleware.\n"
        "See lifespan.W005 in docs/reference/checks.md.",
        id="lifespan.W005",
    )


def misplaced(drawn: str, first: str) -> CheckMessage:
    return Warn(
        "LifespanStateMiddleware is placed after a middleware that uses "
        f"request.state\n{drawn}",
        hint=f'Move "{OURS}" in MIDDLEWARE before {first!r}.\n'
        "See lifespan.W006 in docs/reference/checks.md.",
        id="lifespan.W006",
    )


def line_of(file: str, mark: str, text: str) -> str:
    """A place as it is drawn."""
    lines = [line.strip() for line in text.splitlines()]
    number = next(index for index, line in enumerate(lines) if mark in line)
    return f"    {file}:{number + 1}  {lines[number]}"


EARLY = [
    pytest.param("Early", '= request.state["db"]  # early', id="class"),
    pytest.param("early", "# early function", id="function"),
    pytest.param("Mixed", "# early hook", id="hook"),
]
imported = pytest.mark.parametrize(
    "is_imported", [False, True], ids=["read", "imported"]
)


@imported
@pytest.mark.parametrize(("name", "mark"), EARLY)
def test_names_what_uses_it_before_it_is_set(
    name: str, mark: str, is_imported: bool, site: Site
) -> None:
    """The lines that read it while the request is on its way in."""
    package = site()
    module = f"{package}.inner.middleware"
    if is_imported:
        __import__(module)

    messages = found(package, "django.middleware.common.CommonMiddleware", name, OURS)

    drawn = line_of(f"{package}/inner/middleware.py", mark, MIDDLEWARE)
    assert messages == [misplaced(drawn, f"{module}.{name}")]
    assert (module in sys.modules) is is_imported


@imported
@pytest.mark.parametrize(
    ("name", "mark"),
    [*EARLY, pytest.param("late", "# late", id="late")],
)
def test_names_middleware_that_uses_what_nobody_sets(
    name: str, mark: str, is_imported: bool, site: Site
) -> None:
    """Early or late."""
    package = site()
    if is_imported:
        __import__(f"{package}.inner.middleware")

    messages = found(package, name)

    mark = "req.state" if name == "late" else mark
    drawn = line_of(f"{package}/inner/middleware.py", mark, MIDDLEWARE)
    assert messages == [missing(drawn)]


@imported
@pytest.mark.parametrize(
    "middleware",
    [
        pytest.param((OURS, "Early", "early", "Late"), id="after it"),
        pytest.param(("Late", "late", OURS), id="on the way out"),
        pytest.param(("Ours", "Early"), id="a subclass"),
        pytest.param(
            ("django_lifespan_typed.middleware.AsyncMiddleware", "Early"), id="alias"
        ),
        pytest.param(("Sets", "Early"), id="another sets it"),
        pytest.param(("sets", "Early", OURS), id="another sets it by name"),
        pytest.param(("guarded", "tried", OURS), id="it looks first"),
        pytest.param(("guarded", "tried"), id="it looks first, none sets it"),
        pytest.param(("another",), id="states of others"),
        pytest.param(("nowhere", "no.module", "os.path"), id="nothing there"),
        pytest.param(("Waiting", "InThread", OURS), id="the next by another name"),
        pytest.param(("Unclear", OURS), id="no next at all"),
        pytest.param((), id="none"),
    ],
)
def test_says_nothing_of_middleware_that_works(
    middleware: tuple[str, ...], is_imported: bool, site: Site
) -> None:
    """Or whose request.state is not ours."""
    package = site()
    if is_imported:
        __import__(f"{package}.inner.middleware")

    assert found(package, *middleware) == []


@pytest.mark.parametrize("name", ["Ours", "Passed"])
def test_knows_ours_by_the_name_of_a_package(name: str, site: Site) -> None:
    """Which has it from a module, under a name that is its own."""
    package = site("urlpatterns = [path('', lambda request: request.state)]\n")

    assert found(package, f"{package}.shop.{name}") == []
    assert found(package, f"{package}.shop.{name}", "Early") == []
    assert f"{package}.shop" not in sys.modules


@pytest.mark.parametrize("name", ["shop.Early", "shop.state.Starred"])
def test_a_middleware_is_followed_to_where_it_is_written(name: str, site: Site) -> None:
    """Through the package, and the module that its base is from."""
    package = site()

    messages = found(package, f"{package}.{name}", OURS)

    mark = '= request.state["db"]  # early'
    drawn = line_of(f"{package}/inner/middleware.py", mark, MIDDLEWARE)
    assert messages == [misplaced(drawn, f"{package}.{name}")]


@pytest.mark.parametrize(
    "middleware",
    [
        pytest.param("shop.Sets", id="sets it elsewhere"),
        pytest.param("shop.Starred", id="from a star"),
        pytest.param("shop.Lost", id="from nowhere"),
        pytest.param("shop.state.OfAnother", id="a base of what is unknown"),
        pytest.param("shop.state.OfNobody", id="a base from nowhere"),
        pytest.param("shop.state.OfBroken", id="a base that cannot be read"),
    ],
)
def test_says_nothing_where_only_an_import_could_tell(
    middleware: str, site: Site
) -> None:
    """It may be ours, or set what views read."""
    package = site("urlpatterns = [path('', lambda request: request.state)]\n")

    assert found(package, f"{package}.{middleware}", "Early", OURS) == []
    assert found(package, f"{package}.{middleware}") == []


VIEWS = {
    "function": """\
        def view(request):
            return request.state["db"]  # read
        urlpatterns = [path("", view)]
        """,
    "annotated": """\
        async def view(r: "LifespanRequest"):
            return r.state["db"]  # read
        urlpatterns = [path("", view)]
        """,
    "annotated with anything": """\
        async def view(request: "rest_framework.request.Request | Any"):
            return request.state["db"]  # read
        urlpatterns = [path("", view)]
        """,
    "lambda": """\
        urlpatterns = [path("", lambda request: request.state)]  # read
        """,
    "class": """\
        class Page(View):
            def get(self, *args):
                return self.request.state["db"]  # read
        urlpatterns = [path("", Page.as_view())]
        """,
    "inherited": """\
        class Base(View):
            def get(self, request):
                return request.state["db"]  # read
        class Page(Base):
            pass
        urlpatterns = [path("", Page.as_view())]
        """,
    "decorated and included": """\
        def decorated(view):
            @wraps(view)
            def inner(*args):
                return view(*args)
            return inner
        @decorated
        def view(request):
            return request.state["db"]  # read
        urlpatterns = [path("", include([path("", partial(view)), path("x", view)]))]
        """,
    "an object": """\
        class Callable:
            def __call__(self, request):
                return request.state["db"]  # read
        urlpatterns = [path("", Callable())]
        """,
}


@pytest.mark.parametrize("urls", VIEWS.values(), ids=VIEWS.keys())
def test_names_views_that_use_what_nobody_sets(urls: str, site: Site) -> None:
    """Of any shape, through decorators."""
    package = site(urls)

    messages = found(package)

    drawn = line_of(f"{package}/urls.py", "# read", URLS + dedent(urls))
    assert messages == [missing(drawn)]
    assert found(package, OURS) == []


def test_names_three_places_and_counts_the_others(site: Site) -> None:
    """A message is not a list."""
    urls = "urlpatterns = [\n" + "    path('', lambda request: request.state),\n" * 5
    package = site(urls + "]\n")

    (message,) = found(package)

    first = (URLS + urls).splitlines().index("urlpatterns = [") + 2
    place = f"    {package}/urls.py:%s  path('', lambda request: request.state),"
    places = "\n".join(place % (first + offset) for offset in range(3))
    assert message == missing(f"{places}\n    and 2 more")


@pytest.mark.parametrize(
    "urls",
    [
        pytest.param("urlpatterns = [path('', plain)]", id="does not use it"),
        pytest.param(
            "def view(request):\n    request.state = {}\n    return request.state\n"
            "urlpatterns = [path('', view)]",
            id="sets it",
        ),
        pytest.param(
            "def view(request):\n    order = 1\n    return order.state\n"
            "urlpatterns = [path('', view)]",
            id="another's state",
        ),
        pytest.param("urlpatterns = [path('', print)]", id="written in C"),
        pytest.param(
            "from django.views.defaults import page_not_found\n"
            "urlpatterns = [path('', page_not_found)]",
            id="Django's",
        ),
        pytest.param(
            "exec('def view(request): return request.state')\n"
            "urlpatterns = [path('', view)]",
            id="written in no file",
        ),
        pytest.param(
            "def decorated(view):\n"
            "    @wraps(view)\n"
            "    def inner(request):\n"
            "        request.state = {}\n"
            "        return view(request)\n"
            "    return inner\n"
            "class Page(View):\n"
            "    def get(self, request):\n"
            "        return request.state\n"
            "@decorated\n"
            "def view(request):\n"
            "    return request.state\n"
            "urlpatterns = [path('', view), path('', decorated(Page.as_view()))]",
            id="a decorator sets it",
        ),
        pytest.param(
            "def view(r: 'HttpRequest', request: 'PurchaseRequest'):\n"
            "    return request.state == 'open'\n"
            "urlpatterns = [path('', view)]",
            id="another's request",
        ),
        pytest.param(
            "class Proxy:\n"
            "    def __getattr__(self, name):\n"
            "        return Proxy()\n"
            "    def __call__(self, request): ...\n"
            "urlpatterns = [path('', Proxy())]",
            id="a proxy without an end",
        ),
    ],
)
def test_says_nothing_of_other_views(urls: str, site: Site) -> None:
    """They need no middleware of ours."""
    assert found(site(urls)) == []


def test_a_middleware_that_cannot_be_read_is_passed_over(site: Site) -> None:
    """Whoever imports it says what is wrong with it."""
    package = site()

    messages = found(package, f"{package}.broken.Middleware", "Early")

    mark = '= request.state["db"]  # early'
    drawn = line_of(f"{package}/inner/middleware.py", mark, MIDDLEWARE)
    assert messages == [missing(drawn)]


def test_what_python_warned_of_is_not_said_again(site: Site) -> None:
    """By Python 3.12 and newer, each time that a source is parsed, and of no file."""
    package = site("state = '\\d'\nurlpatterns = [path('', lambda r: r)]\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import_module(f"{package}.urls")

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert found(package) == []

    assert said == []


def test_what_django_refuses_is_left_to_django(site: Site) -> None:
    """No middleware, no pattern: its own checks name it."""
    view = "lambda request: request.state"
    package = site(f"urlpatterns = ['a', path('', {view})]\n")

    assert [message.id for message in found(package)] == ["lifespan.W005"]
    with override_settings(MIDDLEWARE=[None], ROOT_URLCONF=f"{package}.urls"):
        assert list(check_request_state()) == []
    with override_settings(MIDDLEWARE=[], ROOT_URLCONF=None):
        assert list(check_request_state()) == []


def test_a_name_that_our_module_lacks_is_not_ours(site: Site) -> None:
    """A misspelt path does not count as the middleware."""
    package = site("urlpatterns = [path('', lambda request: request.state)]\n")

    messages = found(package, OURS.removesuffix("Middleware"))

    assert [message.id for message in messages] == ["lifespan.W005"]
