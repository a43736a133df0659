"""The rules of a lifespan: each has tests, which CONTRIBUTING.md lists."""

from __future__ import annotations

import ast
import re
from itertools import chain
from typing import Final

from tests.processes import ROOT

from .pages import DOCS

PAGE: Final = DOCS / "explanation" / "rules.md"
HEADING: Final = "## Where each rule is tested"


def listed() -> dict[str, list[str]]:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    section = re.split("^## ", text.split(HEADING)[1], flags=re.MULTILINE)[0]
    rows = re.findall(r"^\| (\d+\. .+?) \| (.+) \|$", section, re.MULTILINE)
    return {rule: re.findall(r"`([\w/]+\.py::\w+)`", cell) for rule, cell in rows}


def test_each_rule_has_tests() -> None:
    rules = re.findall(r"^## (\d+\. .+)$", PAGE.read_text("utf-8"), re.MULTILINE)

    assert list(listed()) == rules
    assert [rule for rule, tests in listed().items() if not tests] == []


def test_the_named_tests_exist() -> None:
    for name in chain.from_iterable(listed().values()):
        path, _, function = name.partition("::")
        tree = ast.parse((ROOT / path).read_text("utf-8"))
        assert function in {getattr(node, "name", "") for node in tree.body}, name


def test_readers_of_the_rules_see_no_tests() -> None:
    assert "tests/" not in PAGE.read_text("utf-8")
