"""Errors are described and handled whatever their own methods do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from django_lifespan_typed._text import describe

from .probes import Do, Probes, assert_closed

if sys.version_info < (3, 11):
    from exceptiongroup import BaseExceptionGroup, ExceptionGroup


class Mute(Exception):
    def __str__(self) -> str:
        raise TypeError("no text")


class WithAttribute(Exception):
    """Has an unusual value in an attribute that descriptions read."""

    def __init__(self, name: str, value: object) -> None:
        super().__init__("it fails")
        setattr(self, name, value)


class Broken(ExceptionGroup[Exception]):
    """Has properties that raise."""

    @property
    def __notes__(self) -> list[str]:  # type: ignore[override]
        raise TypeError("no notes")

    @property
    def exceptions(self) -> tuple[Exception, ...]:
        raise TypeError("no exceptions")


def cyclic() -> ExceptionGroup[Exception]:
    """Return a group with an error that was raised from the same group."""
    error = ValueError("in the cycle")
    group = ExceptionGroup("cyclic", [error])
    error.__cause__ = group
    return group


UNUSUAL = [
    Mute(),
    ExceptionGroup("several", [Mute()]),
    WithAttribute("__notes__", ("a tuple",)),
    WithAttribute("__notes__", [Mute(), 5]),
    WithAttribute("exceptions", 5),
    ExceptionGroup("around", [cyclic()]),
    Broken("broken", [ValueError()]),
]


@pytest.mark.parametrize("error", UNUSUAL, ids=lambda error: type(error).__name__)
def test_any_error_can_be_described(error: BaseException) -> None:
    assert type(error).__name__ in describe(error)


def test_a_description_has_the_notes_and_the_traceback() -> None:
    error = ValueError("it fails")
    error.__notes__ = ["while starting"]
    group = BaseExceptionGroup("several", [error, KeyboardInterrupt("pressed")])
    try:
        raise group
    except BaseExceptionGroup:
        description = describe(group)

    first, second, *rest = description.splitlines()
    assert (first, second) == ("while starting", "pressed")
    assert any(Path(__file__).name in line for line in rest)
    assert any("ValueError: it fails" in line for line in rest)


def test_a_description_names_every_error_of_a_long_group() -> None:
    """A traceback shows at most fifteen."""
    group = ExceptionGroup("several", [ValueError(f"error {i}") for i in range(40)])

    description = describe(group)

    assert all(f"error {index}" in description for index in range(40))


# --- A working directory that is gone, which a deployment may remove


@pytest.fixture
def remove_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], None]:
    """Remove the working directory."""
    folder = tmp_path / "release"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder.rmdir


@pytest.mark.parametrize("when", ["start", "stop"])
async def test_a_failure_without_a_working_directory_is_raised(
    when: str, probes: Probes, remove_folder: Callable[[], None]
) -> None:
    """A location is shown relative to it."""

    def fail() -> None:
        remove_folder()
        raise LookupError("no route")

    steps: dict[str, Any] = {when: Do(fail)}
    probes.add("before")
    probes.add("it", "before", **steps)

    with pytest.raises(LookupError, match="no route"):
        await probes.run()

    assert_closed(*probes.all())
