"""Errors reach a handler of the project, or stderr."""

from __future__ import annotations

import logging
from collections.abc import Generator

import pytest

from django_lifespan_typed import Registry
from django_lifespan_typed._log import log_failure
from django_lifespan_typed.asgi import get_asgi_application

NAME = "django_lifespan_typed"


@pytest.fixture
def logger(monkeypatch: pytest.MonkeyPatch) -> Generator[logging.Logger]:
    """The package's logger, without handlers; pytest has its own on the root."""
    logger = logging.getLogger(NAME)
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logger, "propagate", False)
    level = logger.level
    yield logger
    logger.setLevel(level)
    logger.disabled = False


def error_on_stderr(capsys: pytest.CaptureFixture[str]) -> str:
    get_asgi_application(Registry())
    log_failure("it failed", OSError("no route"))
    return capsys.readouterr().err


def test_a_disabled_logger_is_enabled(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    logger.disabled = True

    shown = error_on_stderr(capsys)

    assert shown.count("it failed\nOSError: no route") == 1


@pytest.mark.parametrize(
    "handlers",
    [[], [logging.NullHandler()], [logging.StreamHandler()]],
    ids=["none", "null", "level"],
)
def test_an_error_that_no_handler_takes_goes_to_stderr(
    handlers: list[logging.Handler],
    logger: logging.Logger,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for handler in handlers:
        is_null = isinstance(handler, logging.NullHandler)
        handler.setLevel(0 if is_null else logging.CRITICAL)
        logger.addHandler(handler)

    assert error_on_stderr(capsys).count("it failed") == 1


def test_a_level_above_errors_does_not_hide_a_failed_startup(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    logger.setLevel(logging.CRITICAL)

    assert error_on_stderr(capsys).count("it failed") == 1


def test_a_handler_of_the_project_is_enough(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    logger.addHandler(handler)

    assert error_on_stderr(capsys) == ""
    assert [record.getMessage() for record in records] == ["it failed"]
