"""``manage.py lifespan``: shows, checks and draws what a lifespan starts."""

from __future__ import annotations

import json
from argparse import SUPPRESS
from collections.abc import Sequence
from typing import Any, ClassVar, Final, Literal

from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_lifespan_typed._compat import override
from django_lifespan_typed._declare.keys import StateKey
from django_lifespan_typed._declare.plan import Plan
from django_lifespan_typed._declare.registry import Registry, default_registry
from django_lifespan_typed._runtime.lifespan import Lifespan
from django_lifespan_typed._settings import LifespanSettings
from django_lifespan_typed._text import quoted, suggestion
from django_lifespan_typed.exceptions import InvalidSetting, PlanError
from django_lifespan_typed.management.check import Check
from django_lifespan_typed.management.graph import dot, mermaid, tree
from django_lifespan_typed.management.rows import HEADERS, Row, rows
from django_lifespan_typed.management.screen import Screen

_EMPTY: Final = (
    "Nothing is registered.\n"
    "Resources are found in lifespan.py of every installed app; what is declared "
    "elsewhere is to be imported there."
)
_FROM_SETTING: Final = "* from settings.LIFESPAN, or its default"
_INSTALL: Final = 'For a drawn table: pip install "django-lifespan-typed[command]"'


class Command(BaseCommand):
    """Shows, checks and draws the resources that the default registry has."""

    help = "Shows, checks and draws the resources of the lifespan."
    # At a container's start a broken plan is to be told once, by us.
    requires_system_checks: list[str] | tuple[str, ...] | Literal["__all__"] = ()

    registry: ClassVar[Registry] = default_registry

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        """``show``, ``check``, ``graph``, and Django's options after them too."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        show = actions.add_parser(
            "show", help="What is registered: types, needs, limits, places."
        )
        show.add_argument(
            "--json", action="store_true", help="Write JSON instead of a table."
        )
        check = actions.add_parser(
            "check",
            help="Start everything, ask for its health, stop it; exit 1 on failure.",
        )
        check.add_argument(
            "--only",
            nargs="+",
            action="extend",
            metavar="NAME",
            help="Start these and what they need, and no manager.",
        )
        graph = actions.add_parser("graph", help="Who needs whom, drawn.")
        graph.add_argument(
            "--format",
            choices=["text", "mermaid", "dot"],
            default="text",
            help="How it is drawn (default: text).",
        )
        for action in (show, check, graph):
            _add_options(action)

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked; raises ``CommandError`` for a plan that cannot start."""
        screen = Screen(self.stdout)
        try:
            settings = LifespanSettings.read()
            if options["action"] == "show":
                self._show(screen, settings, is_json=options["json"])
            elif options["action"] == "graph":
                self._graph(screen, options["format"])
            else:
                self._check(screen, options["only"], is_quiet=not options["verbosity"])
        except (PlanError, InvalidSetting) as error:
            raise CommandError(str(error)) from error

    # --- show

    def _show(
        self, screen: Screen, settings: LifespanSettings, *, is_json: bool
    ) -> None:
        broken: PlanError | None = None
        try:
            resources = Plan(self.registry).order
        except PlanError as error:
            # Looked at all the same: that is how it is mended.
            resources, broken = [*self.registry], error
        table = [*rows(resources, self.registry.managers, settings)]
        if is_json:
            listed = {"resources": [row.as_json() for row in table]}
            screen.line(json.dumps(listed, indent=2))
        elif table:
            self._draw(screen, table)
        else:
            screen.line(_EMPTY)
        if broken is not None:
            raise broken

    def _draw(self, screen: Screen, table: Sequence[Row]) -> None:
        cells = [row.cells() for row in table]
        try:
            from tabulate import tabulate
        except ImportError:
            for line in (HEADERS, *cells):
                screen.line("\t".join(line))
            self.stderr.write(_INSTALL, _unstyled)
            return
        heading, label = self.style.MIGRATE_HEADING, self.style.MIGRATE_LABEL
        drawn = tabulate(
            [(label(name), *others) for name, *others in cells],
            headers=[heading(header) for header in HEADERS],
            disable_numparse=True,
        )
        screen.line(drawn)
        if any(not (row.start.is_own and row.stop.is_own) for row in table):
            screen.line(_FROM_SETTING)

    # --- graph

    def _graph(self, screen: Screen, form: str) -> None:
        plan, managers = Plan(self.registry), self.registry.managers
        if form == "mermaid":
            screen.line("\n".join(mermaid(plan, managers)))
        elif form == "dot":
            screen.line("\n".join(dot(plan, managers)))
        elif not plan.order and not managers:
            screen.line(_EMPTY)
        else:
            label, warning = self.style.MIGRATE_LABEL, self.style.WARNING
            for branch in tree(plan, managers):
                note = f" {warning(branch.note)}" if branch.note else ""
                screen.line(f"{branch.lead}{label(branch.name)}{note}")

    # --- check

    def _check(self, screen: Screen, only: list[str] | None, *, is_quiet: bool) -> None:
        keys = None if only is None else [self._key(name) for name in only]
        # Here, not at the start, so that nothing is said to start.
        plan = Plan(self.registry, keys)
        managers = () if only is not None else self.registry.managers
        count = len(plan.order) + len(managers)
        if not count:
            screen.line(_EMPTY)
            return
        if not is_quiet:
            text = f"Starting {count} resource{'s' * (count != 1)}"
            screen.line(text, self.style.MIGRATE_HEADING)
        lifespan = Lifespan(self.registry, only=keys)
        Check(lifespan, screen, self.stderr, self.style, is_quiet=is_quiet).run()

    def _key(self, name: str) -> StateKey[Any]:
        if name in self.registry:
            return self.registry[name]
        known = [resource.name for resource in self.registry]
        raise CommandError(
            f"--only names {name!r}, which nothing registers\n"
            f"{suggestion(name, known)}Registered: {quoted(known)}."
        )


def _add_options(parser: CommandParser) -> None:
    # Django's own, which it has before the action alone; unset, those are kept.
    parser.add_argument(
        "-v", "--verbosity", type=int, choices=[0, 1, 2, 3], default=SUPPRESS
    )
    for name in ("--settings", "--pythonpath"):
        parser.add_argument(name, default=SUPPRESS)
    for name in ("--traceback", "--no-color", "--force-color"):
        parser.add_argument(name, action="store_true", default=SUPPRESS)


def _unstyled(text: str) -> str:
    return text
