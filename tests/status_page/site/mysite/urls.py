"""URLs; WHERE says where the status page is mounted, "" for nowhere."""

from __future__ import annotations

import os

from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_user_model, login
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path

from django_lifespan_typed.views import status_page

WHERE = os.environ.get("WHERE", "lifespan/")
NAME = os.environ.get("NAME", "lifespan-status")


def enter(request: HttpRequest, name: str) -> HttpResponse:
    """Log in, without a form."""
    login(request, get_user_model().objects.get(username=name))
    return HttpResponse(f"Welcome, {name}")


enter.__dict__["login_required"] = False

urlpatterns: list[URLPattern | URLResolver] = []
if apps.is_installed("django.contrib.auth"):
    urlpatterns.append(path("enter/<name>/", enter))
if apps.is_installed("django.contrib.admin"):
    urlpatterns.append(path("admin/", admin.site.urls))
if WHERE:
    urlpatterns.append(path(WHERE, status_page, name=NAME or None))
