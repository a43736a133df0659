"""URLs of the shop."""

from __future__ import annotations

from django.urls import path

from . import views

urlpatterns = [
    path("sync", views.sync_view),
    path("async", views.async_view),
    path("held", views.held_view),
    path("mixed", views.mixed_view),
    path("streaming", views.streaming_view),
    path("rollback", views.rollback_view),
    path("count", views.count_view),
    path("pid", views.pid_view),
    path("fork", views.fork_view),
]
