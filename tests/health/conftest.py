"""Fixtures of the tests of health and of optional resources."""

from __future__ import annotations

from tests.runtime.conftest import _nothing_is_left, limits, probes

__all__ = ["_nothing_is_left", "limits", "probes"]
