"""Values that tests put in place of running ones."""

from __future__ import annotations

import threading
from typing import Any, Final, final

from .._threads.fork import after_fork

_ABSENT: Final = object()


@final
class OverriddenValues:
    """The values of one lifespan, some of which a test overrides."""

    def __init__(self, lock: threading.Lock) -> None:
        self.values: dict[str, Any] = {}
        """The values that requests find, by name."""
        self.initial: dict[str, Any] = {}
        """The values that were overridden when the lifespan began."""
        self._hidden: dict[str, Any] = {}
        self._lock = lock

    def publish(self, name: str, value: object) -> None:
        """Set the real value of *name*; an override still hides it."""
        with self._lock:
            if name in self._hidden:
                self._hidden[name] = value
            else:
                self.values[name] = value

    def value_of(self, name: str) -> object:
        """Return the value of *name* that a dependent is started with."""
        # A test may have ended its override while the resources were starting.
        return self.values[name] if name in self.values else self.initial[name]

    def override(self, name: str, value: object) -> None:
        """Hide the real value of *name* behind *value*."""
        self._hidden.setdefault(name, self.values.get(name, _ABSENT))
        self.values[name] = value

    def restore(self, name: str) -> None:
        """Let *name* have its real value again."""
        value = self._hidden.pop(name)
        if value is _ABSENT:
            self.values.pop(name, None)
        else:
            self.values[name] = value

    def restore_all(self) -> None:
        """Let every name have its real value again."""
        for name in list(self._hidden):
            self.restore(name)


@final
class Overrides:
    """The overrides of this process, and the lifespans that they apply to."""

    def __init__(self) -> None:
        self._overrides: dict[str, list[tuple[object, Any]]] = {}
        self._lifespans: list[OverriddenValues] = []
        self._lock = threading.Lock()

    def values(self) -> dict[str, Any]:
        """Return the overriding values, by name."""
        with self._lock:
            return {name: stack[-1][1] for name, stack in self._overrides.items()}

    def add(self, name: str, value: object) -> object:
        """Override *name* until ``remove`` is called with the returned token."""
        token = object()
        with self._lock:
            self._overrides.setdefault(name, []).append((token, value))
            for lifespan in self._lifespans:
                lifespan.override(name, value)
        return token

    def remove(self, name: str, token: object) -> None:
        """End one override; earlier ones of the same name apply again."""
        with self._lock:
            left = [pair for pair in self._overrides[name] if pair[0] is not token]
            if left:
                self._overrides[name] = left
            else:
                del self._overrides[name]
            for lifespan in self._lifespans:
                if left:
                    lifespan.override(name, left[-1][1])
                else:
                    lifespan.restore(name)

    def join(self) -> OverriddenValues:
        """Return the values of a lifespan, overridden until ``leave``."""
        joined = OverriddenValues(self._lock)
        with self._lock:
            for name, stack in self._overrides.items():
                joined.override(name, stack[-1][1])
            joined.initial.update(joined.values)
            self._lifespans.append(joined)
        return joined

    def leave(self, joined: OverriddenValues) -> None:
        """Stop overriding the values of a lifespan that has shut down."""
        with self._lock:
            self._lifespans.remove(joined)
            joined.restore_all()

    def renew_lock(self) -> None:
        """Replace the lock: the thread that held it did not survive the fork."""
        self._lock = threading.Lock()


overrides: Final = Overrides()
"""The overrides of this process, for all of its threads."""
after_fork(overrides.renew_lock)
