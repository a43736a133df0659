"""Tests of what a project tests itself with."""
