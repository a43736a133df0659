"""What typing has in newer Pythons, for all of them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeVar

__all__ = ["Self", "Unpack", "override"]

M = TypeVar("M")

# typing_extensions takes long to import: it is for those who cannot do without it.
if sys.version_info >= (3, 12):
    from typing import Self, Unpack, override
elif TYPE_CHECKING or sys.version_info < (3, 11):
    from typing_extensions import Self, Unpack, override
else:
    from typing import Self, Unpack

    def override(method: M, /) -> M:
        """Say that *method* overrides one of a base class (PEP 698)."""
        return method
