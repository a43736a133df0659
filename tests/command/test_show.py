"""``manage.py lifespan show``."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from django_lifespan_typed import Registry, lifespan_resource
from django_lifespan_typed.management.commands.lifespan import Command

from .site import Ran, lifespan

CIRCLE = """\
CommandError: dependency cycle of lifespan resources: 'db' > 'cache' > 'db'
    circle/lifespan.py:12  @lifespan_resource("db", needs=(CACHE,))
    circle/lifespan.py:17  @lifespan_resource(CACHE, needs=(db,))
Remove one of these from needs=, or move what they share into another resource.
"""


def test_a_table_says_what_is_registered() -> None:
    """Needs first; each limit with whether the settings say it."""
    ran = lifespan("shop", "show")

    assert ran.code == 0, ran.err
    assert ran.err == ""
    assert [line.rstrip() for line in ran.out.splitlines()] == [
        (
            "name                          type             needs          start    "
            "stop      optional    health    declared at"
        ),
        (
            "----------------------------  ---------------  -------------  -------  "
            "--------  ----------  --------  -------------------"
        ),
        (
            "db                            list[str]        -              5 s      "
            "2.5 s     -           yes       shop/lifespan.py:13"
        ),
        (
            "cache                         dict[str, str]   -              60 s *   "
            "no limit  -           -         shop/lifespan.py:23"
        ),
        (
            "catalogue                     tuple[str, ...]  db, cache      60 s *   "
            "10 s *    -           -         shop/lifespan.py:28"
        ),
        (
            "search                        -                catalogue, db  60 s *   "
            "10 s *    yes         -         shop/lifespan.py:35"
        ),
        (
            "manager shop.lifespan.prices  -                -              60 s *   "
            "10 s *    -           -         shop/lifespan.py:46"
        ),
        "* from settings.LIFESPAN, or its default",
    ]


def test_without_tabulate_its_lines_have_tabs(tmp_path: Path) -> None:
    """The same cells for other programs; what to install is said to stderr alone."""
    (tmp_path / "tabulate.py").write_text("raise ImportError('is not installed')\n")
    path = f"{tmp_path}:{Path(__file__).parents[2]}"

    ran = lifespan("failing", "show", PYTHONPATH=path, LIFESPAN='{"STOP_TIMEOUT": 3}')

    assert ran == Ran(
        0,
        "name\ttype\tneeds\tstart\tstop\toptional\thealth\tdeclared at\n"
        "db\tstr\t-\t60 s *\t3 s *\t-\t-\tfailing/lifespan.py:10\n"
        "github\tstr\tdb\t60 s *\t3 s *\t-\t-\tfailing/lifespan.py:15\n",
        'For a drawn table: pip install "django-lifespan-typed[command]"\n',
    )


def test_json_has_the_documented_shape() -> None:
    """All that the table says, and more exactly; no limit is null."""
    ran = lifespan("shop", "show", "--json")

    assert ran.code == 0, ran.err
    assert ran.err == ""
    resources = json.loads(ran.out)["resources"]
    assert [resource["name"] for resource in resources] == [
        "db",
        "cache",
        "catalogue",
        "search",
        "manager shop.lifespan.prices",
    ]
    assert resources[0] == {
        "kind": "resource",
        "name": "db",
        "type": "list[str]",
        "needs": [],
        "start_timeout": {"seconds": 5.0, "from": "resource"},
        "stop_timeout": {"seconds": 2.5, "from": "resource"},
        "optional": False,
        "health": "shop.lifespan.answers",
        "declared_at": {
            "path": "shop/lifespan.py",
            "line": 13,
            "module": "shop.lifespan",
        },
    }
    assert resources[1]["stop_timeout"] == {"seconds": None, "from": "resource"}
    assert resources[3]["needs"] == ["catalogue", "db"]
    assert resources[3]["optional"] is True
    assert resources[3]["health"] is None
    assert resources[4] == {
        "kind": "manager",
        "name": "manager shop.lifespan.prices",
        "type": None,
        "needs": [],
        "start_timeout": {"seconds": 60.0, "from": "setting"},
        "stop_timeout": {"seconds": 10.0, "from": "setting"},
        "optional": False,
        "health": None,
        "declared_at": {
            "path": "shop/lifespan.py",
            "line": 46,
            "module": "shop.lifespan",
        },
    }


def test_the_page_of_the_command_shows_the_documented_shape() -> None:
    """The example on the page is an entry of what the command writes."""
    page = Path(__file__).parents[2] / "docs" / "reference" / "command.md"
    example = page.read_text("utf-8").partition("```json\n")[2].partition("```")[0]

    written = json.loads(lifespan("shop", "show", "--json").out)

    assert json.loads(example) == {"resources": written["resources"][:1]}


@pytest.mark.parametrize("arguments", [(), ("--json",)], ids=["table", "json"])
def test_a_plan_that_cannot_start_is_shown_all_the_same(
    arguments: tuple[str, ...],
) -> None:
    """Who looks wants to mend it; the exit code is 1."""
    ran = lifespan("circle", "show", *arguments)

    assert ran.code == 1
    assert ran.err == CIRCLE
    assert ran.out.count("circle/lifespan.py") == 2


def test_limits_of_its_own_are_not_said_to_be_of_the_settings(
    registry: Registry,
) -> None:
    """Where nothing is from the settings, nothing says what is."""

    @lifespan_resource("db", start_timeout=5, stop_timeout=2, registry=registry)
    async def db() -> AsyncGenerator[str]:
        yield "the db"

    class Shown(Command):
        pass

    Shown.registry = registry
    out = StringIO()
    call_command(Shown(), "show", stdout=out)

    heading, rule, row = out.getvalue().splitlines()
    assert row.split()[:5] == ["db", "str", "-", "5", "s"]
    assert "*" not in heading + rule + row


def test_nothing_registered_is_said() -> None:
    """With where resources are looked for."""
    ran = lifespan("empty", "show")

    assert ran == Ran(
        0,
        "Nothing is registered.\n"
        "Resources are found in lifespan.py of every installed app; what is declared "
        "elsewhere is to be imported there.\n",
        "",
    )


@pytest.mark.parametrize(
    "arguments",
    [("show",), ("check",), ("graph",)],
    ids=["show", "check", "graph"],
)
def test_a_wrong_setting_is_an_error_without_a_traceback(
    arguments: tuple[str, ...],
) -> None:
    """Said once, as the system check would."""
    ran = lifespan("shop", *arguments, LIFESPAN='{"STOP_TIMEOUT": 0}')

    assert ran == Ran(
        1,
        "",
        'CommandError: settings.LIFESPAN["STOP_TIMEOUT"] is 0, not a number of '
        'seconds above 0\nWrite: LIFESPAN = {"STOP_TIMEOUT": 10}, or float("inf") '
        "for no limit.\n",
    )
