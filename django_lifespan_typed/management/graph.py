"""Who needs whom, drawn: as a tree of text, for Mermaid, for Graphviz."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

from .._declare.plan import Plan
from .._declare.resources import Resource

_UNMARKED: Final = frozenset(" _-.")


def printable(name: str) -> str:
    """*name* in one line, without what would steer a terminal."""
    return name if name.isprintable() else repr(name)[1:-1]


@final
@dataclass(frozen=True)
class Branch:
    """One line of a tree."""

    lead: str
    """What is drawn before the name."""
    name: str
    note: str
    """What is said after the name, or nothing."""


def tree(plan: Plan, managers: Sequence[Resource[Any]]) -> Iterator[Branch]:
    """
    Under each resource what it needs; at the left what nobody needs.

    What a resource needs is drawn once, and pointed at where it comes again.
    """
    resources = {resource.name: resource for resource in plan.order}
    roots = [name for name in resources if not plan.dependents[name]]
    drawn: set[str] = set()
    # Without recursion: chains may be longer than Python's stack.
    stack = [(name, "", "") for name in reversed(roots)]
    while stack:
        name, lead, below = stack.pop()
        needs = plan.dependencies[name]
        is_again = name in drawn and bool(needs)
        notes = ["optional"] * resources[name].optional + ["see above"] * is_again
        yield Branch(lead, printable(name), f"({', '.join(notes)})" if notes else "")
        if is_again:
            continue
        drawn.add(name)
        for index, need in reversed([*enumerate(needs, 1)]):
            if index == len(needs):
                stack.append((need, f"{below}└── ", f"{below}    "))
            else:
                stack.append((need, f"{below}├── ", f"{below}│   "))
    for manager in managers:
        yield Branch("", printable(manager.name), "")


def mermaid(plan: Plan, managers: Sequence[Resource[Any]]) -> Iterator[str]:
    """The lines of a flowchart; an arrow leads to what is needed."""
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
    """The lines of a digraph; an arrow leads to what is needed."""
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
    # Numbers: a name may be any text, "end" and "graph" among them.
    resources = {item.name: f"r{n}" for n, item in enumerate(plan.order, 1)}
    return resources | {item.name: f"m{n}" for n, item in enumerate(managers, 1)}


def _arrows(plan: Plan) -> Iterator[tuple[str, str]]:
    for resource in plan.order:
        for need in plan.dependencies[resource.name]:
            yield resource.name, need


def _for_mermaid(name: str) -> str:
    # Its own entities, for all that could be Markdown, HTML or the end of a label.
    return "".join(
        letter if letter.isalnum() or letter in _UNMARKED else f"#{ord(letter)};"
        for letter in printable(name)
    )


def _for_dot(name: str) -> str:
    # A label knows HTML's entities besides the escapes of a quoted text.
    return (
        printable(name).replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
    )
