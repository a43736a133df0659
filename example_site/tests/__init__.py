"""Tests of the library, as a project with this package writes them."""
