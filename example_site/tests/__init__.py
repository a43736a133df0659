"""Tests of the library, as a project that uses the package writes them."""
