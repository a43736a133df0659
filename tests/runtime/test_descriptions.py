"""Errors are described and handled whatever their own methods do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from django_lifespan_typed._text import describe

from .probes import Probes, Raise

if sys.version_info < (3, 11):
    from exceptiongroup import BaseExceptionGroup, ExceptionGroup


class Mute(Exception):
    def __str__(self) -> str:
        raise TypeError("no text")


class Noted(Exception):
    """Has unusual notes."""

    __notes__ = (Mute(), 5)  # type: ignore[assignment]


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


@pytest.mark.parametrize(
    "error",
    [
        Mute(),
        ExceptionGroup("several", [Mute()]),
        Noted(),
        ExceptionGroup("around", [cyclic()]),
        Broken("broken", [ValueError()]),
    ],
    ids=lambda error: type(error).__name__,
)
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


async def test_a_failure_without_a_working_directory_is_raised(
    probes: Probes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deployment may remove it; locations are shown relative to it."""
    probes.add("it", start=Raise(LookupError("no route")))
    folder = tmp_path / "release"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()

    with pytest.raises(LookupError, match="no route"):
        await probes.run()
