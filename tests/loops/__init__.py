"""Tests of several event loops in one process."""
