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

from ._checks_code import Code, named, written
from ._checks_messages import warning
from ._source import Source
from .middleware import LifespanStateMiddleware

_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

_OURS: Final = {"LifespanStateMiddleware", "AsyncMiddleware"}
_REQUEST: Final = re.compile("(ASGI|WSGI|Http|Lifespan)Request")
_WRITE: Final = '"django_lifespan_typed.middleware.LifespanStateMiddleware"'
# Django calls these once every middleware has had the request.
_LATE: Final = {
    "process_exception",
    "process_response",
    "process_template_response",
    "process_view",
}


class Use(NamedTuple):
    """A line that reads ``request.state``."""

    at: Source
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
    bases = [
        ast.unparse(base).rpartition(".")[2]
        for part in code
        if isinstance(part.definition, ast.ClassDef)
        for base in part.definition.bases
    ]
    return not _OURS.isdisjoint(bases)


def _used_by_views() -> list[Use]:
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    found: list[Use] = []
    for view in _views(get_resolver().url_patterns):
        found += _look(written(view)).uses
    return found


def _views(patterns: Iterable[Any]) -> Iterator[object]:
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from _views(pattern.url_patterns)
        elif (callback := getattr(pattern, "callback", None)) is not None:
            # What as_view() of Django, and of REST framework's view sets, tell.
            cls = getattr(callback, "view_class", getattr(callback, "cls", None))
            yield callback if cls is None else cls


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
                at = Source(code.file, line, code.module)
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
        if argument.arg == "request"
        or (argument.annotation and _REQUEST.search(ast.unparse(argument.annotation)))
    }


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
    calls = [
        node.lineno
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).rpartition(".")[2] in {"get_response", "__call__"}
    ]
    # process_request has the request before the others, and passes on nothing.
    default = sys.maxsize if name in {"__call__", "process_request"} else None
    return min(calls, default=default)
