"""Runtimes that each break one rule: the machine has to notice."""

from __future__ import annotations

from . import checks, owners, runs, serving
from .mutant import Mutant

__all__ = ["MUTANTS", "Mutant"]

MUTANTS = (*owners.MUTANTS, *runs.MUTANTS, *serving.MUTANTS, *checks.MUTANTS)
