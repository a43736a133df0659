"""The source of each resource, for visitors who want to see how it is declared."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from django_lifespan_typed import current_lifespan


def resource_names() -> list[str]:
    """List the resources and background tasks, in start order."""
    return [status.name for status in current_lifespan().status()]


def source(request: HttpRequest, name: str) -> HttpResponse:
    """The module that declares the resource *name*."""
    found = [one for one in current_lifespan().status() if one.name == name]
    path = Path(found[0].declared_at.file) if found else Path()
    # No address shows a file of another folder.
    if not path.is_relative_to(settings.SITE):
        raise Http404(f"The library has no resource with the name {name}.")
    shown = {
        "name": name,
        "path": path.relative_to(settings.SITE.parent).as_posix(),
        "line": found[0].declared_at.line,
        "lines": path.read_text("utf-8").splitlines(),
    }
    return render(request, "library/source.html", shown)
