"""``manage.py lifespan``: shows, checks and draws the registered resources."""

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
from django_lifespan_typed._tasks.lifespan_task import LifespanTask
from django_lifespan_typed._text import quoted, suggestion
from django_lifespan_typed.exceptions import InvalidSetting, PlanError
from django_lifespan_typed.management.check import Check
from django_lifespan_typed.management.graph import dot, mermaid, tree
from django_lifespan_typed.management.output import Screen
from django_lifespan_typed.management.run import run_tasks
from django_lifespan_typed.management.show import (
    HEADERS,
    ShownResource,
    aligned,
)

_EMPTY: Final = (
    "No resources are registered.\n"
    "lifespan.py of each installed app is imported. Declare resources there, or import "
    "the modules that declare them."
)
_FROM_SETTING: Final = "* from settings.LIFESPAN, or its default"


class Command(BaseCommand):
    """Shows, checks and draws the resources of the default registry; runs tasks."""

    help = "Shows, checks and draws the resources of the lifespan; runs its tasks."
    # The command reports an invalid plan itself; the system checks would repeat it.
    requires_system_checks: list[str] | tuple[str, ...] | Literal["__all__"] = ()

    registry: ClassVar[Registry] = default_registry

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        """Add the four actions, each with Django's own options."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        show = actions.add_parser(
            "show",
            help="List the resources: types, dependencies, time limits, locations.",
        )
        show.add_argument(
            "--json", action="store_true", help="Write JSON instead of a table."
        )
        check = actions.add_parser(
            "check",
            help="Start all resources, make their health checks, shut them down. "
            "The exit code is 1 if anything fails.",
        )
        check.add_argument(
            "--only",
            nargs="+",
            action="extend",
            metavar="NAME",
            help="Start only these resources and their dependencies, and no manager.",
        )
        run = actions.add_parser(
            "run",
            help="Run background tasks, without a server, until SIGTERM or Ctrl-C. The "
            "exit code is 1 if one crashes.",
        )
        run.add_argument("tasks", nargs="*", metavar="TASK", help="Tasks to run.")
        run.add_argument("--all", action="store_true", help="Run all tasks.")
        graph = actions.add_parser("graph", help="Draw the dependencies.")
        graph.add_argument(
            "--format",
            choices=["text", "mermaid", "dot"],
            default="text",
            help="The output format (default: text).",
        )
        for action in (show, check, run, graph):
            _add_django_options(action)

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        """Run the action; raises ``CommandError`` if the plan is invalid."""
        screen = Screen(self.stdout)
        try:
            settings = LifespanSettings.read()
            if options["action"] == "show":
                self._show(screen, settings, is_json=options["json"])
            elif options["action"] == "graph":
                self._graph(screen, options["format"])
            elif options["action"] == "run":
                self._run(screen, options["tasks"], is_all=options["all"])
            else:
                self._check(screen, options["only"], is_quiet=not options["verbosity"])
        except (PlanError, InvalidSetting) as error:
            raise CommandError(str(error)) from error

    def _show(
        self, screen: Screen, settings: LifespanSettings, *, is_json: bool
    ) -> None:
        invalid: PlanError | None = None
        try:
            resources = Plan(self.registry).order
        except PlanError as error:
            # Shown anyway: the table helps to fix the plan.
            resources, invalid = [*self.registry], error
        shown = [ShownResource("resource", each, settings) for each in resources]
        shown += [
            ShownResource("manager", each, settings) for each in self.registry.managers
        ]
        if is_json:
            listed = {"resources": [each.as_json() for each in shown]}
            screen.line(json.dumps(listed, indent=2))
        elif shown:
            self._show_table(screen, shown)
        else:
            screen.line(_EMPTY)
        if invalid is not None:
            raise invalid

    def _show_table(self, screen: Screen, shown: Sequence[ShownResource]) -> None:
        heading, label = self.style.MIGRATE_HEADING, self.style.MIGRATE_LABEL
        headers, *rows = aligned([HEADERS, *(each.cells() for each in shown)])
        screen.line("  ".join(headers).rstrip(), heading)
        screen.line("  ".join("-" * len(header) for header in headers))
        for name, *cells in rows:
            screen.line("  ".join([label(name), *cells]).rstrip())
        limits = [limit for each in shown for limit in (each.start, each.stop)]
        if any(limit.source == "setting" for limit in limits):
            screen.line(_FROM_SETTING)

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
            for line in tree(plan, managers):
                note = f" {warning(line.note)}" if line.note else ""
                screen.line(f"{line.indent}{label(line.name)}{note}")

    def _check(self, screen: Screen, only: list[str] | None, *, is_quiet: bool) -> None:
        keys = None if only is None else [self._key(name) for name in only]
        # An invalid plan is an error before the first line of output.
        plan = Plan(self.registry, keys)
        managers = () if only is not None else self.registry.managers
        count = len(plan.order) + len(managers)
        if not count:
            screen.line(_EMPTY)
            return
        if not is_quiet:
            text = f"Starting {count} resource{'s' * (count != 1)}"
            screen.line(text, self.style.MIGRATE_HEADING)
        lifespan = Lifespan(self.registry, only=keys, run_tasks=False)
        Check(lifespan, screen, self.stderr, self.style, is_quiet=is_quiet).run()

    def _run(self, screen: Screen, names: list[str], *, is_all: bool) -> None:
        known = [each for each in self.registry if isinstance(each, LifespanTask)]
        if not names and not is_all:
            raise CommandError(
                "no task is named\nWrite: manage.py lifespan run TASK ..., or --all. "
                f"Registered: {quoted([task.name for task in known])}."
            )
        unknown = [name for name in names if name not in {task.name for task in known}]
        for name in unknown:
            raise CommandError(self._no_task(name, [task.name for task in known]))
        tasks = [task for task in known if is_all or task.name in names]
        if not tasks:
            screen.line("No background tasks are registered.")
            return
        text = f"Running {quoted([task.name for task in tasks])}; Ctrl-C ends it"
        screen.line(text, self.style.MIGRATE_HEADING)
        if LifespanSettings.read().TASKS == "server":
            screen.line('The servers run them, too: LIFESPAN["TASKS"] is "server".')
        run_tasks(Lifespan(self.registry, only=tasks), tasks, self.stdout)

    def _no_task(self, name: str, known: list[str]) -> str:
        problem = "which is not registered"
        if name in self.registry:
            problem = "a resource that is no background task"
        return (
            f"lifespan run names {name!r}, {problem}\n"
            f"{suggestion(name, known)}Registered: {quoted(known)}."
        )

    def _key(self, name: str) -> StateKey[Any]:
        if name in self.registry:
            return self.registry[name]
        known = [resource.name for resource in self.registry]
        raise CommandError(
            f"--only names {name!r}, which is not registered\n"
            f"{suggestion(name, known)}Registered: {quoted(known)}."
        )


def _add_django_options(parser: CommandParser) -> None:
    # Django accepts its options before the action only. SUPPRESS keeps those values.
    parser.add_argument(
        "-v", "--verbosity", type=int, choices=[0, 1, 2, 3], default=SUPPRESS
    )
    for name in ("--settings", "--pythonpath"):
        parser.add_argument(name, default=SUPPRESS)
    for name in ("--traceback", "--no-color", "--force-color"):
        parser.add_argument(name, action="store_true", default=SUPPRESS)
