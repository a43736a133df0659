"""``manage.py lifespan graph``."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pydot
import pytest

from django_lifespan_typed import Registry, Resource
from django_lifespan_typed.register import register_lifespan_manager
from tests.journaling import Add

from .conftest import Call

# Names with a meaning for Mermaid, Graphviz or a terminal.
NAMES = ['a "b" \\', "<i>&amp;</i>", "end", "größe;#35;", "\x1b[31mred\n`x`"]
SHOWN_NAMES = [*NAMES[:4], "\\x1b[31mred\\n`x`"]
MANAGER = f"manager {__name__}.prices"


@asynccontextmanager
async def prices() -> AsyncGenerator[dict[str, int]]:
    yield {"price": 7}


@pytest.fixture
def shop(add: Add, registry: Registry) -> None:
    """Resources, one of them optional, and a manager."""
    db, cache = add("db"), add("cache")
    catalogue = add("catalogue", db, cache)
    add("search", catalogue, db, optional=True)
    register_lifespan_manager(context_manager=prices, registry=registry)


@pytest.fixture
def names(add: Add) -> None:
    """A chain of resources with special names."""
    below: tuple[Resource[str], ...] = ()
    for name in NAMES:
        below = (add(name, *below, optional=name is NAMES[-1]),)


@pytest.mark.usefixtures("shop", "names")
def test_text_is_a_tree_of_dependencies(call: Call) -> None:
    """Control characters in names are escaped."""
    assert call("graph").splitlines() == [
        "search (optional)",
        "├── catalogue",
        "│   ├── db",
        "│   └── cache",
        "└── db",
        f"{SHOWN_NAMES[4]} (optional)",
        *(f"{'    ' * level}└── {NAMES[3 - level]}" for level in range(4)),
        MANAGER,
    ]


def test_the_dependencies_of_a_resource_are_drawn_once(call: Call, add: Add) -> None:
    """Otherwise the lines of this lattice would double with each level."""
    below: tuple[Resource[str], ...] = ()
    for level in range(30):
        below = tuple(add(f"{side}{level}", *below) for side in "ab")

    lines = call("graph").splitlines()

    assert len(lines) == 2 + 4 * 29
    assert lines[:2] == ["a29", "├── a28"]
    assert lines[-3:] == ["b29", "├── a28 (see above)", "└── b28 (see above)"]


def test_a_chain_longer_than_pythons_stack_is_drawn(call: Call, add: Add) -> None:
    below: tuple[Resource[str], ...] = ()
    for level in range(2000):
        below = (add(f"r{level}", *below),)

    assert len(call("graph").splitlines()) == 2000


@pytest.mark.usefixtures("shop")
def test_mermaid_is_a_flowchart_without_colours(call: Call) -> None:
    drawn = call("graph", "--format", "mermaid", "--force-color")

    assert drawn.splitlines() == [
        "flowchart TD",
        '    r1["db"]',
        '    r2["cache"]',
        '    r3["catalogue"]',
        '    r4["search"]',
        f'    m1(["{MANAGER}"])',
        "    r3 --> r1",
        "    r3 --> r2",
        "    r4 --> r3",
        "    r4 --> r1",
        "    classDef optional stroke-dasharray: 5 5",
        "    class r4 optional",
    ]


@pytest.mark.usefixtures("names")
def test_mermaid_labels_are_escaped(call: Call) -> None:
    drawn = call("graph", "--format", "mermaid")

    labels = re.findall(r'^    r\d\["((?:[\w .-]|#\d+;)+)"\]$', drawn, re.MULTILINE)
    unescaped = [
        re.sub(r"#(\d+);", lambda code: chr(int(code[1])), label) for label in labels
    ]
    assert unescaped == SHOWN_NAMES


# pydot's own grammar warns in development mode.
@pytest.mark.filterwarnings(
    "ignore:warn_ungrouped_named_tokens_in_collection",
    "ignore::DeprecationWarning:pydot.dot_parser",
)
@pytest.mark.usefixtures("shop", "names")
def test_dot_is_a_digraph_without_colours(call: Call) -> None:
    drawn = call("graph", "--format", "dot", "--force-color")

    (graph,) = pydot.graph_from_dot_data(drawn) or ()
    nodes = {node.get_name(): node for node in graph.get_nodes()}
    assert nodes.pop("node").get("shape") == "box"  # the default
    labels = {name: _unescaped(node.get("label")) for name, node in nodes.items()}
    assert set(labels.values()) > {*SHOWN_NAMES, "db", MANAGER}
    assert nodes["m1"].get("shape") == "ellipse"
    arrows = {
        (labels[edge.get_source()], labels[edge.get_destination()])
        for edge in graph.get_edges()
    }
    assert arrows > {("search", "catalogue"), ("search", "db"), ("catalogue", "cache")}
    dashed = {labels[name] for name in nodes if nodes[name].get("style") == "dashed"}
    assert dashed == {"search", SHOWN_NAMES[-1]}


@pytest.mark.parametrize(
    ("form", "lines"),
    [
        ("mermaid", ["flowchart TD"]),
        ("dot", ["digraph lifespan {", "    node [shape=box];", "}"]),
    ],
)
def test_without_resources_a_program_gets_an_empty_graph(
    call: Call, form: str, lines: list[str]
) -> None:
    assert call("graph", "--format", form).splitlines() == lines


def _unescaped(label: str) -> str:
    assert label[0] == label[-1] == '"'
    return html.unescape(re.sub(r"\\(.)", r"\1", label[1:-1]))
