"""URLs of the project."""

from __future__ import annotations

from debug_toolbar.toolbar import debug_toolbar_urls
from django.urls import path

from . import views

urlpatterns = [
    path("async", views.async_view),
    path("sync", views.sync_view),
    path("state", views.state_view),
    path("taken", views.taken_view),
    path("marked", views.marked_view),
    path("nothing", views.nothing_view),
    path("held/<name>", views.held_view),
    path("stream/sync", views.sync_stream),
    path("stream/async", views.async_stream),
    path("own", views.own_view),
    *debug_toolbar_urls(),
]
