"""Values that a test puts in the place of others."""

from __future__ import annotations

import os
import threading
from collections.abc import MutableMapping
from typing import Any, Final, final

_ABSENT: Final = object()


@final
class Covered:
    """States of one lifespan, and what is behind the names that a test overrides."""

    def __init__(self, values: MutableMapping[str, Any], among: Overrides) -> None:
        self._states = [values]
        self._among = among
        self.fakes: dict[str, Any] = {}
        """What was overridden when the lifespan began, which is what it starts with."""
        self._behind: dict[str, Any] = {}

    def publish(self, name: str, value: object) -> None:
        """Put *value* on the states; behind what a test put there."""
        with self._among.lock:
            if name in self._behind:
                self._behind[name] = value
            else:
                self._put(name, value)

    def mirror(self, values: MutableMapping[str, Any]) -> None:
        """Cover another state of the same values: what a server copies from."""
        with self._among.lock:
            self._states.append(values)

    def cover(self, name: str, value: object) -> None:
        """Let *name* be *value*."""
        self._behind.setdefault(name, self._states[0].get(name, _ABSENT))
        self._put(name, value)

    def uncover(self, name: str) -> None:
        """Let *name* be what it is."""
        self._put(name, self._behind.pop(name))

    def leave(self) -> None:
        """Cover no longer; servers' states are not ours to write to after a stop."""
        del self._states[1:]
        for name in list(self._behind):
            self.uncover(name)

    def _put(self, name: str, value: object) -> None:
        for state in self._states:
            if value is _ABSENT:
                state.pop(name, None)
            else:
                state[name] = value


@final
class Overrides:
    """What is overridden in this process, and the lifespans that are told of it."""

    def __init__(self) -> None:
        self._values: dict[str, list[tuple[object, Any]]] = {}
        self._lifespans: list[Covered] = []
        self.lock = threading.Lock()
        """Held by who changes any of it; a test may start lifespans in threads."""

    def values(self) -> dict[str, Any]:
        """What is overridden now, and by what."""
        with self.lock:
            return {name: stack[-1][1] for name, stack in self._values.items()}

    def add(self, name: str, value: object) -> object:
        """Override *name* until ``remove`` is called with what this returns."""
        token = object()
        with self.lock:
            self._values.setdefault(name, []).append((token, value))
            for covered in self._lifespans:
                covered.cover(name, value)
        return token

    def remove(self, name: str, token: object) -> None:
        """End one override; those of the same name that are left go on."""
        with self.lock:
            left = [pair for pair in self._values[name] if pair[0] is not token]
            if left:
                self._values[name] = left
            else:
                del self._values[name]
            for covered in self._lifespans:
                if left:
                    covered.cover(name, left[-1][1])
                else:
                    covered.uncover(name)

    def join(self, values: MutableMapping[str, Any]) -> Covered:
        """Cover *values*, now and until ``leave``."""
        covered = Covered(values, self)
        with self.lock:
            for name, stack in self._values.items():
                covered.cover(name, stack[-1][1])
            covered.fakes.update(values)
            self._lifespans.append(covered)
        return covered

    def leave(self, covered: Covered) -> None:
        """Forget a lifespan that has stopped."""
        with self.lock:
            self._lifespans.remove(covered)
            covered.leave()

    def forget_lock(self) -> None:
        """A forked child has none of the threads that might have held it."""
        self.lock = threading.Lock()


overrides: Final = Overrides()
"""Those of this process: a server under test may have threads of its own."""
os.register_at_fork(after_in_child=overrides.forget_lock)
