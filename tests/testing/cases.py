"""Runs unittest's test cases without pytest."""

from __future__ import annotations

import unittest


def run_case(case: type[unittest.TestCase]) -> list[tuple[str, str]]:
    """Run each test of *case*; return the name and the last line of each failure."""
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case)(result)
    assert result.testsRun
    return [
        (test.id().rpartition(".")[2], error.splitlines()[-1])
        for test, error in [*result.errors, *result.failures]
    ]
