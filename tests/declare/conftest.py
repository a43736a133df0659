"""Fixtures of the tests of declarations."""

from __future__ import annotations

from tests.runtime.conftest import _nothing_is_left, hang, limits, probes

__all__ = ["_nothing_is_left", "hang", "limits", "probes"]
