"""``manage.py lifespan graph``."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncGenerator

import pydot
import pytest

from django_lifespan_typed import Registry, StateKey, lifespan_resource
from django_lifespan_typed._declare.plan import Plan
from django_lifespan_typed.management.graph import dot, mermaid, tree

from .site import Ran, lifespan
from .test_show import CIRCLE

# What tests/command/project/names declares; the last as it is printed.
NAMES = [
    'a "b" \\',
    "<i>&amp;</i>",
    "end",
    "größe;#35;",
    "\\x1b[31mred\\n`x`",
]


def test_text_is_a_tree_of_needs() -> None:
    """At the left what nobody needs; managers, which nobody can need, too."""
    ran = lifespan("shop", "graph")

    assert ran == Ran(
        0,
        "search (optional)\n"
        "├── catalogue\n"
        "│   ├── db\n"
        "│   └── cache\n"
        "└── db\n"
        "manager shop.lifespan.prices\n",
        "",
    )


def test_what_is_needed_twice_is_drawn_once(registry: Registry) -> None:
    """A lattice of thirty levels is no more than two lines each."""
    below: tuple[StateKey[str], ...] = ()
    for level in range(30):
        below = tuple(_add(registry, f"{side}{level}", below) for side in "ab")

    drawn = [
        f"{branch.lead}{branch.name} {branch.note}".rstrip()
        for branch in tree(Plan(registry), ())
    ]

    assert len(drawn) == 2 + 4 * 29
    assert drawn[:2] == ["a29", "├── a28"]
    assert drawn[-3:] == ["b29", "├── a28 (see above)", "└── b28 (see above)"]


def test_a_chain_longer_than_pythons_stack_is_drawn(registry: Registry) -> None:
    """Without recursion."""
    below: tuple[StateKey[str], ...] = ()
    for level in range(2000):
        below = (_add(registry, f"r{level}", below),)

    drawn = [*tree(Plan(registry), ())]

    assert [branch.name for branch in drawn] == [f"r{n}" for n in range(1999, -1, -1)]


def test_text_is_drawn_in_letters_that_the_output_has() -> None:
    """A console without Unicode gets lines of its own."""
    ran = lifespan("shop", "graph", PYTHONIOENCODING="ascii")

    assert ran.err == ""
    assert ran.out.splitlines()[:4] == [
        "search (optional)",
        "|-- catalogue",
        "|   |-- db",
        "|   `-- cache",
    ]


def test_no_name_steers_the_terminal() -> None:
    """An escape sequence or a line break in a name is printed, not obeyed."""
    ran = lifespan("names", "graph")

    assert ran.out.splitlines() == [
        "\\x1b[31mred\\n`x` (optional)",
        "└── größe;#35;",
        "    └── end",
        "        └── <i>&amp;</i>",
        '            └── a "b" \\',
    ]


def test_mermaid_is_a_flowchart() -> None:
    """Arrows to what is needed, dashed what is optional, rounded the managers."""
    ran = lifespan("shop", "graph", "--format", "mermaid")

    assert ran == Ran(
        0,
        "flowchart TD\n"
        '    r1["db"]\n'
        '    r2["cache"]\n'
        '    r3["catalogue"]\n'
        '    r4["search"]\n'
        '    m1(["manager shop.lifespan.prices"])\n'
        "    r3 --> r1\n"
        "    r3 --> r2\n"
        "    r4 --> r3\n"
        "    r4 --> r1\n"
        "    classDef optional stroke-dasharray: 5 5\n"
        "    class r4 optional\n",
        "",
    )


def test_mermaid_reads_every_name_as_it_is() -> None:
    """Only its entities stand for what it could take for Markdown or HTML."""
    ran = lifespan("names", "graph", "--format", "mermaid")

    labels = re.findall(r'^    r\d\["((?:[\w .-]|#\d+;)+)"\]$', ran.out, re.MULTILINE)
    assert [_from_mermaid(label) for label in labels] == NAMES


def test_dot_is_a_digraph() -> None:
    """The same for Graphviz."""
    ran = lifespan("shop", "graph", "--format", "dot")

    assert ran == Ran(
        0,
        "digraph lifespan {\n"
        "    node [shape=box];\n"
        '    r1 [label="db"];\n'
        '    r2 [label="cache"];\n'
        '    r3 [label="catalogue"];\n'
        '    r4 [label="search", style=dashed];\n'
        '    m1 [label="manager shop.lifespan.prices", shape=ellipse];\n'
        "    r3 -> r1;\n"
        "    r3 -> r2;\n"
        "    r4 -> r3;\n"
        "    r4 -> r1;\n"
        "}\n",
        "",
    )


# Of pydot's own grammar, in development mode.
@pytest.mark.filterwarnings(
    "ignore:warn_ungrouped_named_tokens_in_collection",
    "ignore::DeprecationWarning:pydot.dot_parser",
)
def test_dot_is_read_by_a_parser_with_every_name_as_it_is() -> None:
    """Quotes, backslashes and entities in a name change nothing else."""
    ran = lifespan("names", "graph", "--format", "dot")

    graphs = pydot.graph_from_dot_data(ran.out)
    assert graphs is not None
    (graph,) = graphs
    nodes = {node.get_name(): node for node in graph.get_nodes()}
    nodes.pop("node")  # the attributes of all
    assert [*nodes] == ["r1", "r2", "r3", "r4", "r5"]
    assert [_from_dot(node.get("label")) for node in nodes.values()] == NAMES
    assert [node.get("style") for node in nodes.values()] == [*[None] * 4, "dashed"]
    arrows = [(edge.get_source(), edge.get_destination()) for edge in graph.get_edges()]
    assert arrows == [("r2", "r1"), ("r3", "r2"), ("r4", "r3"), ("r5", "r4")]


@pytest.mark.parametrize("form", ["text", "mermaid", "dot"])
def test_a_circle_is_an_error(form: str) -> None:
    """Nothing is drawn: there is no order to draw."""
    assert lifespan("circle", "graph", "--format", form) == Ran(1, "", CIRCLE)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (
            "text",
            (
                "Nothing is registered.\n"
                "Resources are found in lifespan.py of every installed app; what is "
                "declared elsewhere is to be imported there.\n"
            ),
        ),
        ("mermaid", "flowchart TD\n"),
        ("dot", "digraph lifespan {\n    node [shape=box];\n}\n"),
    ],
    ids=["text", "mermaid", "dot"],
)
def test_nothing_registered_is_an_empty_drawing(form: str, text: str) -> None:
    """For the program that reads it; a person is told where things are looked for."""
    assert lifespan("empty", "graph", "--format", form) == Ran(0, text, "")


def test_an_empty_plan_has_no_lines(registry: Registry) -> None:
    """Nor a tree."""
    plan = Plan(registry)

    assert [*tree(plan, ())] == []
    assert [*mermaid(plan, ())] == ["flowchart TD"]
    assert [*dot(plan, ())][-1] == "}"


def _add(
    registry: Registry, name: str, needs: tuple[StateKey[str], ...]
) -> StateKey[str]:
    async def factory(*_: str) -> AsyncGenerator[str]:
        yield name

    return lifespan_resource(name, needs=needs, registry=registry)(factory)


def _from_mermaid(label: str) -> str:
    return re.sub(r"#(\d+);", lambda code: chr(int(code[1])), label)


def _from_dot(label: str) -> str:
    # As Graphviz reads it: the quotes, the escapes of a label, HTML's entities.
    assert label[0] == label[-1] == '"'
    return html.unescape(re.sub(r"\\(.)", r"\1", label[1:-1]))
