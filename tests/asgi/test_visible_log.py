"""Errors reach a handler of the project, or stderr."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from django_lifespan_typed import Registry
from django_lifespan_typed._log import log_failure
from django_lifespan_typed.asgi import get_asgi_application

LOGGER = logging.getLogger("django_lifespan_typed")

Fail = Callable[..., str]


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Fail:
    """Make an application and log a failure, with these *handlers*; returns stderr."""

    def fail(*handlers: logging.Handler, level: int = 0, disabled: bool = False) -> str:
        # Here, because pytest adds handlers of its own before each test.
        monkeypatch.setattr(LOGGER, "handlers", [*handlers])
        monkeypatch.setattr(LOGGER, "propagate", False)
        monkeypatch.setattr(LOGGER, "disabled", disabled)
        before = LOGGER.level
        LOGGER.setLevel(level)
        try:
            get_asgi_application(Registry())
            log_failure("it failed", OSError("no route"))
        finally:
            LOGGER.setLevel(before)
        return capsys.readouterr().err

    return fail


def handler(kind: type[logging.Handler], level: int) -> logging.Handler:
    made = kind()
    made.setLevel(level)
    return made


@pytest.mark.parametrize(
    "handlers",
    [
        [],
        [handler(logging.NullHandler, 0)],
        [handler(logging.StreamHandler, logging.CRITICAL)],
    ],
    ids=["none", "null", "level"],
)
@pytest.mark.parametrize("disabled", [False, True], ids=["", "disabled"])
def test_an_error_that_no_handler_takes_goes_to_stderr(
    handlers: list[logging.Handler], fail: Fail, *, disabled: bool
) -> None:
    shown = fail(*handlers, disabled=disabled)

    assert shown.count("it failed\nOSError: no route") == 1


def test_a_level_above_errors_does_not_hide_a_failed_startup(fail: Fail) -> None:
    shown = fail(handler(logging.NullHandler, 0), level=logging.CRITICAL)

    assert shown.count("it failed\nOSError: no route") == 1


def test_a_handler_of_the_project_is_enough(
    fail: Fail, monkeypatch: pytest.MonkeyPatch
) -> None:
    records: list[logging.LogRecord] = []
    own = logging.Handler()
    monkeypatch.setattr(own, "emit", records.append)

    assert fail(own, disabled=True) == ""
    assert [record.getMessage() for record in records] == ["it failed"]
