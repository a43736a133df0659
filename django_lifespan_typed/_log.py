"""The package's one logger."""

from __future__ import annotations

import logging
from typing import Final

logger: Final = logging.getLogger("django_lifespan_typed")
