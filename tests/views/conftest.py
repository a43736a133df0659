"""Fixtures of the tests of the views."""

from __future__ import annotations

from tests.journaling import add

__all__ = ["add"]
