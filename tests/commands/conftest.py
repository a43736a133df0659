"""Fixtures for tests of management commands."""

from __future__ import annotations

from tests.journaling import add, nothing_is_left

__all__ = ["add", "nothing_is_left"]
