"""The site's one application: declares resources, connects receivers."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    name = "tests.servers.project"
    label = "project"

    def ready(self) -> None:
        import_module("tests.servers.project.resources")
