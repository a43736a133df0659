"""An asgi.py that fails with what cannot be described."""


class Unspeakable(Exception):
    """Its text is missing."""

    def __str__(self) -> str:
        return str(self.args[9])


raise Unspeakable
