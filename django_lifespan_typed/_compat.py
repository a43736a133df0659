"""Names that newer Pythons have, for all supported ones."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeVar

__all__ = ["BaseExceptionGroup", "ExceptionGroup", "Self", "Unpack", "override"]

M = TypeVar("M")

if sys.version_info < (3, 11):
    from exceptiongroup import BaseExceptionGroup, ExceptionGroup
else:
    from builtins import BaseExceptionGroup, ExceptionGroup

# typing_extensions is slow to import, so only where typing does not have the names.
if sys.version_info >= (3, 12):
    from typing import Self, Unpack, override
elif TYPE_CHECKING or sys.version_info < (3, 11):
    from typing_extensions import Self, Unpack, override
else:
    from typing import Self, Unpack

    def override(method: M, /) -> M:
        """Mark *method* as overriding one of a base class (PEP 698)."""
        return method
