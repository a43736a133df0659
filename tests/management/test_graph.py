"""``manage.py lifespan graph``."""

from __future__ import annotations

import html
import re

import pydot
import pytest

from django_lifespan_typed import Resource
from tests.journaling import Add

from .conftest import Call
from .site import lifespan

# The scene "names", with control characters escaped.
NAMES = ['a "b" \\', "<i>&amp;</i>", "end", "größe;#35;", "\\x1b[31mred\\n`x`"]


def test_text_is_a_tree_of_dependencies() -> None:
    ran = lifespan("shop", "graph")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "search (optional)",
        "├── catalogue",
        "│   ├── db",
        "│   └── cache",
        "└── db",
        "manager mysite.lifespan.prices",
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


def test_control_characters_in_names_are_escaped() -> None:
    ran = lifespan("names", "graph")

    assert ran.out.splitlines()[:2] == [f"{NAMES[4]} (optional)", f"└── {NAMES[3]}"]


def test_mermaid_is_a_flowchart_without_colours() -> None:
    ran = lifespan("shop", "graph", "--format", "mermaid", "--force-color")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "flowchart TD",
        '    r1["db"]',
        '    r2["cache"]',
        '    r3["catalogue"]',
        '    r4["search"]',
        '    m1(["manager mysite.lifespan.prices"])',
        "    r3 --> r1",
        "    r3 --> r2",
        "    r4 --> r3",
        "    r4 --> r1",
        "    classDef optional stroke-dasharray: 5 5",
        "    class r4 optional",
    ]


def test_mermaid_labels_are_escaped() -> None:
    ran = lifespan("names", "graph", "--format", "mermaid")

    labels = re.findall(r'^    r\d\["((?:[\w .-]|#\d+;)+)"\]$', ran.out, re.MULTILINE)
    unescaped = [
        re.sub(r"#(\d+);", lambda code: chr(int(code[1])), label) for label in labels
    ]
    assert unescaped == NAMES


# pydot's own grammar warns in development mode.
@pytest.mark.filterwarnings(
    "ignore:warn_ungrouped_named_tokens_in_collection",
    "ignore::DeprecationWarning:pydot.dot_parser",
)
@pytest.mark.parametrize("scene", ["shop", "names"])
def test_dot_is_a_digraph_without_colours(scene: str) -> None:
    ran = lifespan(scene, "graph", "--format", "dot", "--force-color")

    assert (ran.code, ran.err) == (0, "")
    (graph,) = pydot.graph_from_dot_data(ran.out) or ()
    nodes = {node.get_name(): node for node in graph.get_nodes()}
    assert nodes.pop("node").get("shape") == "box"  # the default
    labels = [_unescaped(node.get("label")) for node in nodes.values()]
    arrows = [(edge.get_source(), edge.get_destination()) for edge in graph.get_edges()]
    dashed = {name for name, node in nodes.items() if node.get("style") == "dashed"}
    if scene == "names":
        assert labels == NAMES
        assert arrows == [("r2", "r1"), ("r3", "r2"), ("r4", "r3"), ("r5", "r4")]
        assert dashed == {"r5"}
    else:
        assert labels[4] == "manager mysite.lifespan.prices"
        assert nodes["m1"].get("shape") == "ellipse"
        assert arrows == [("r3", "r1"), ("r3", "r2"), ("r4", "r3"), ("r4", "r1")]
        assert dashed == {"r4"}


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
