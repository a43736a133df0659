"""System checks of ``request.state``: who uses it, and whether it is set by then."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from inspect import isclass
from typing import Any, Final, NamedTuple, TypeAlias

from django.conf import settings
from django.core.checks import CheckMessage
from django.urls import get_resolver

from .._declare.location import Location
from ..middleware import LifespanStateMiddleware
from .messages import warning
from .source_code import Code, named, written

_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

_OURS: Final = {
    f"{LifespanStateMiddleware.__module__}.{name}"
    for name in ("LifespanStateMiddleware", "AsyncMiddleware")
}
_REQUEST: Final = re.compile("(ASGI|WSGI|Http|Lifespan)Request")
# What else a parameter may be annotated with that is called request, and is one.
_ANY_REQUEST: Final = re.compile(r"\b(Request|Any)\b")
_WRITE: Final = '"django_lifespan_typed.middleware.LifespanStateMiddleware"'
_NEXT: Final = re.compile(r"\b(get_response|__call__)\b")
# Django calls these once every middleware has had the request.
_LATE: Final = {
    "process_exception",
    "process_response",
    "process_template_response",
    "process_view",
}


class Use(NamedTuple):
    """A line that reads ``request.state``."""

    at: Location
    is_early: bool
    """Whether it comes before the middleware passes the request on."""


class _Found(NamedTuple):
    uses: list[Use]
    sets: bool
    """Whether the code sets ``request.state`` itself."""


def check_request_state() -> Iterator[CheckMessage]:
    """Whether ``LifespanStateMiddleware`` comes before what reads what it sets."""
    early: list[tuple[str, Use]] = []
    uses: list[Use] = []
    for path in settings.MIDDLEWARE:
        if not isinstance(path, str):
            return  # Django says what is wrong with that
        code = named(path)
        if code is None:
            return  # it may be ours, or set what is read
        if _is_ours(path, code):
            yield from _placed_after(early)
            return
        found = _look(code)
        if found.sets:
            return  # whatever this is, it is not ours
        uses += found.uses
        early += [(path, use) for use in found.uses if use.is_early]
    uses += _used_by_views()
    if uses:
        yield warning(
            "W005",
            "request.state is used, but LifespanStateMiddleware, which sets it, is not "
            f"in settings.MIDDLEWARE\n{_drawn(uses)}",
            f"Write {_WRITE} in MIDDLEWARE, before what uses it; or "
            "get_state(request, KEY), which needs no middleware.",
        )


def _placed_after(early: list[tuple[str, Use]]) -> Iterator[CheckMessage]:
    if early:
        first = next(iter(early))[0]
        yield warning(
            "W006",
            "LifespanStateMiddleware is placed after a middleware that uses "
            f"request.state\n{_drawn([use for _, use in early])}",
            f"Move {_WRITE} in MIDDLEWARE before {first!r}.",
        )


def _drawn(uses: Iterable[Use]) -> str:
    places = sorted({use.at for use in uses})
    drawn = [place.draw() for place in places[:3]]
    if len(places) > len(drawn):
        drawn.append(f"    and {len(places) - len(drawn)} more")
    return "\n".join(drawn)


def _is_ours(path: str, code: list[Code]) -> bool:
    module, _, name = path.rpartition(".")
    loaded: object = getattr(sys.modules.get(module), name, None)
    if isclass(loaded):
        return issubclass(loaded, LifespanStateMiddleware)
    return any(not _OURS.isdisjoint(part.bases) for part in code)


def _used_by_views() -> list[Use]:
    found: list[Use] = []
    for view, cls in views_of_urlconf():
        codes = written(view) if cls is None else [*written(view), *written(cls)]
        found += _look(codes).uses
    return found


def views_of_urlconf() -> Iterable[tuple[Any, Any]]:
    """Each view, once, and the class that it calls; imports the URLconf."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return ()
    views = _views(get_resolver().url_patterns)
    return {(id(view), id(cls)): (view, cls) for view, cls in views}.values()


def _views(patterns: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from _views(pattern.url_patterns)
        elif (view := getattr(pattern, "callback", None)) is not None:
            # What as_view() of Django, and of REST framework's view sets, tell.
            yield view, getattr(view, "view_class", getattr(view, "cls", None))


# --- What is done with request.state in some code


def _look(codes: list[Code]) -> _Found:
    uses: list[Use] = []
    for code in codes:
        functions = [
            node
            for node in ast.walk(code.definition)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        ]
        is_class = isinstance(code.definition, ast.ClassDef)
        for function in functions:
            reads, sets = _touches(function, is_method=is_class)
            if sets:
                return _Found([], sets=True)
            passed_on = _passes_on(function)
            for line in reads:
                at = Location(code.file, line, code.module)
                uses.append(Use(at, passed_on is not None and line < passed_on))
    return _Found(uses, sets=False)


def _touches(function: _Function, *, is_method: bool) -> tuple[list[int], bool]:
    """The lines that read ``request.state``, and whether any sets it."""
    requests = _request_parameters(function) - _rebound(function)
    if is_method:
        requests.add("self.request")
    lines: list[int] = []
    sets = False
    is_guarded = False
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and node.attr == "state":
            if ast.unparse(node.value) in requests:
                sets = sets or not isinstance(node.ctx, ast.Load)
                lines.append(node.lineno)
        elif isinstance(node, ast.Call) and len(node.args) > 1:
            what, name = map(ast.unparse, node.args[:2])
            if what in requests and name == "'state'":
                sets = sets or ast.unparse(node.func) == "setattr"
                is_guarded = True
        elif isinstance(node, ast.ExceptHandler) and node.type is not None:
            is_guarded = is_guarded or "AttributeError" in ast.unparse(node.type)
    return ([] if is_guarded else lines), sets


def _request_parameters(function: _Function) -> set[str]:
    arguments = function.args
    return {
        argument.arg
        for argument in (
            *arguments.posonlyargs,
            *arguments.args,
            *arguments.kwonlyargs,
        )
        if _is_request(argument)
    }


def _is_request(argument: ast.arg) -> bool:
    is_called_so = argument.arg == "request"
    if argument.annotation is None:
        return is_called_so
    annotation = ast.unparse(argument.annotation)
    kinds = (_REQUEST, _ANY_REQUEST) if is_called_so else (_REQUEST,)
    return any(kind.search(annotation) for kind in kinds)


def _rebound(function: _Function) -> set[str]:
    return {
        node.id
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    }


def _passes_on(function: _Function) -> int | None:
    """Where a middleware gives the request to the next; None where it does not."""
    name = getattr(function, "name", "")
    if name in _LATE:
        return None
    if name == "process_request":
        return sys.maxsize  # before the others, and it passes on nothing
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    named = [call for call in calls if _NEXT.search(ast.unparse(call.func))]
    requests = _request_parameters(function)
    # Under whatever name the next was kept.
    given = [
        call
        for call in calls
        if any(isinstance(arg, ast.Name) and arg.id in requests for arg in call.args)
    ]
    return min((call.lineno for call in named or given), default=None)
