"""``lifespan graph``: the dependencies as a tree, for Mermaid and for Graphviz."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from .._declare.plan import Plan
from .._declare.resources import Resource
from .._text import printable

_UNMARKED: Final = frozenset(" _-.")


class TreeLine(NamedTuple):
    """One line of the tree."""

    indent: str
    """The lines drawn before the name."""
    name: str
    note: str
    """The text after the name, or nothing."""


def tree(plan: Plan, managers: Sequence[Resource[Any]]) -> Iterator[TreeLine]:
    """
    Yield each resource without dependents, and its dependencies below it.

    The dependencies of a resource are drawn once; later lines refer to them.
    """
    resources = {resource.name: resource for resource in plan.order}
    roots = [name for name in resources if not plan.dependents[name]]
    drawn: set[str] = set()
    # No recursion: a chain may be longer than Python's stack.
    stack = [(name, "", "") for name in reversed(roots)]
    while stack:
        name, indent, below = stack.pop()
        needs = plan.dependencies[name]
        is_again = name in drawn and bool(needs)
        notes = ["optional"] * resources[name].optional + ["see above"] * is_again
        note = f"({', '.join(notes)})" if notes else ""
        yield TreeLine(indent, printable(name), note)
        if is_again:
            continue
        drawn.add(name)
        for index, need in reversed([*enumerate(needs, 1)]):
            if index == len(needs):
                stack.append((need, f"{below}└── ", f"{below}    "))
            else:
                stack.append((need, f"{below}├── ", f"{below}│   "))
    for manager in managers:
        yield TreeLine("", printable(manager.name), "")


def mermaid(plan: Plan, managers: Sequence[Resource[Any]]) -> Iterator[str]:
    """Yield the lines of a flowchart; arrows lead to dependencies."""
    ids = _ids(plan, managers)
    yield "flowchart TD"
    for resource in plan.order:
        yield f'    {ids[resource.name]}["{_for_mermaid(resource.name)}"]'
    for manager in managers:
        yield f'    {ids[manager.name]}(["{_for_mermaid(manager.name)}"])'
    for name, need in _arrows(plan):
        yield f"    {ids[name]} --> {ids[need]}"
    optional = [ids[resource.name] for resource in plan.order if resource.optional]
    if optional:
        yield "    classDef optional stroke-dasharray: 5 5"
        yield f"    class {','.join(optional)} optional"


def dot(plan: Plan, managers: Sequence[Resource[Any]]) -> Iterator[str]:
    """Yield the lines of a digraph; arrows lead to dependencies."""
    ids = _ids(plan, managers)
    yield "digraph lifespan {"
    yield "    node [shape=box];"
    for resource in plan.order:
        dashed = ", style=dashed" * resource.optional
        label = _for_dot(resource.name)
        yield f'    {ids[resource.name]} [label="{label}"{dashed}];'
    for manager in managers:
        label = _for_dot(manager.name)
        yield f'    {ids[manager.name]} [label="{label}", shape=ellipse];'
    for name, need in _arrows(plan):
        yield f"    {ids[name]} -> {ids[need]};"
    yield "}"


def _ids(plan: Plan, managers: Sequence[Resource[Any]]) -> dict[str, str]:
    # A name may be any text, also a keyword such as "end" or "graph".
    resources = {item.name: f"r{n}" for n, item in enumerate(plan.order, 1)}
    return resources | {item.name: f"m{n}" for n, item in enumerate(managers, 1)}


def _arrows(plan: Plan) -> Iterator[tuple[str, str]]:
    for resource in plan.order:
        for need in plan.dependencies[resource.name]:
            yield resource.name, need


def _for_mermaid(name: str) -> str:
    # Escapes everything that could be Markdown, HTML or the end of the label.
    return "".join(
        letter if letter.isalnum() or letter in _UNMARKED else f"#{ord(letter)};"
        for letter in printable(name)
    )


def _for_dot(name: str) -> str:
    # Graphviz reads HTML entities in labels.
    escaped = printable(name).replace("\\", "\\\\").replace('"', '\\"')
    return escaped.replace("&", "&amp;")
