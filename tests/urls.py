"""URLs of the tests; a test module that has views overrides ROOT_URLCONF."""

from __future__ import annotations

urlpatterns: list[object] = []
