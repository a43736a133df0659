"""Tests of the wheel and the sdist."""
