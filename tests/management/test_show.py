"""``manage.py lifespan show``."""

from __future__ import annotations

import json
import re
from typing import Final

import pytest
from django.core.management import CommandError
from django.test import override_settings

from tests.journaling import Add
from tests.processes import ROOT

from .conftest import Call
from .site import lifespan

PAGE: Final = ROOT / "docs" / "reference" / "command.md"


def test_the_table_has_a_row_for_each_resource() -> None:
    ran = lifespan("shop", "show")

    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    cells = [re.split(" {2,}", re.sub(r":\d+$", "", line)) for line in lines]
    rest = ["-", "-", "mysite/lifespan.py"]
    assert cells[0] == [
        *("name", "type", "depends on", "start"),
        *("stop", "optional", "health", "declared at"),
    ]
    setting = ["60 s *", "10 s *"]
    assert cells[2:7] == [
        ["db", "list[str]", "-", "5 s", "2.5 s", "-", "yes", rest[2]],
        ["cache", "dict[str, str]", "-", "60 s *", "no limit", *rest],
        ["catalogue", "tuple[str, ...]", "db, cache", *setting, *rest],
        ["search", "-", "catalogue, db", *setting, "yes", *rest[1:]],
        ["manager mysite.lifespan.prices", "-", "-", *setting, *rest],
    ]
    assert lines[7:] == ["* from settings.LIFESPAN, or its default"]


def test_columns_are_aligned_whatever_the_width_of_a_character(
    call: Call, add: Add
) -> None:
    add("db", start_timeout=5, stop_timeout=2)
    add("日本語", start_timeout=5, stop_timeout=2)

    headers, rule, db, wide = call("show").splitlines()

    column = headers.index("type")
    assert rule[column - 2 :].startswith("  ---")
    assert db[column:].startswith("str")
    assert wide[column - 3 :].startswith("str")  # each letter takes two columns
    assert "*" not in db + wide


def test_json_has_the_documented_shape() -> None:
    ran = lifespan("shop", "show", "--json")

    assert (ran.code, ran.err) == (0, "")
    resources = json.loads(ran.out)["resources"]
    db, cache, _, search, prices = resources
    assert db == {
        "kind": "resource",
        "name": "db",
        "type": "list[str]",
        "task": None,
        "needs": [],
        "start_timeout": {"seconds": 5.0, "from": "resource"},
        "stop_timeout": {"seconds": 2.5, "from": "resource"},
        "optional": False,
        "health": "mysite.lifespan.shop.<locals>.answers",
        "declared_at": {
            "path": "mysite/lifespan.py",
            "line": db["declared_at"]["line"],
            "module": "mysite.lifespan",
        },
    }
    assert cache["stop_timeout"] == {"seconds": None, "from": "resource"}
    assert search["needs"] == ["catalogue", "db"]
    assert (search["optional"], search["health"]) == (True, None)
    assert (prices["kind"], prices["type"]) == ("manager", None)
    assert prices["start_timeout"] == {"seconds": 60.0, "from": "setting"}
    (example,) = re.findall(r"```json\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (documented,) = json.loads(example)["resources"]
    assert db.keys() == documented.keys()
    for name in ("start_timeout", "stop_timeout", "declared_at"):
        assert db[name].keys() == documented[name].keys()


@pytest.mark.parametrize("arguments", ["show --json", "check", "graph --format dot"])
def test_an_invalid_plan_is_reported_once(arguments: str) -> None:
    """Only show continues. Django's checks, which would repeat it, do not run."""
    ran = lifespan("cycle", *arguments.split())

    assert ran.code == 1
    assert ran.err.startswith("CommandError: ")
    assert ran.err.count("Error: ") == 1
    assert ran.out.count("mysite/lifespan.py") == (2 if "show" in arguments else 0)


actions = pytest.mark.parametrize("action", ["show", "check", "graph"])


@actions
def test_without_resources_each_action_says_where_to_declare_them(
    call: Call, action: str
) -> None:
    assert call(action) == (
        "No resources are registered.\n"
        "lifespan.py of each installed app is imported. Declare resources there, or "
        "import the modules that declare them.\n"
    )


@actions
def test_an_invalid_setting_is_an_error(call: Call, action: str) -> None:
    problem = r'^settings.LIFESPAN\["STOP_TIMEOUT"\] is not'
    with (
        override_settings(LIFESPAN={"STOP_TIMEOUT": 0}),
        pytest.raises(CommandError, match=problem),
    ):
        call(action)
