# Daphne 4.2 ships no types. Stubbed is what this project touches.
from typing import Final

__version__: Final[str]
