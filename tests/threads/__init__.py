"""Tests of lifespans in sync code: blocks, commands, tasks, forks."""
