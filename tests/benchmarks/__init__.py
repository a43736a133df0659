"""Benchmarks, beside other libraries: ``make bench``."""
