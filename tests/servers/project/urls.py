"""URLs of the site that the real servers serve."""

from __future__ import annotations

from django.urls import path

from . import views

urlpatterns = [
    path("async", views.in_loop),
    path("sync", views.in_thread),
    path("to-sync", views.to_sync),
    path("slow", views.slow),
]
