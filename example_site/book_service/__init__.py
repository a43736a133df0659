"""The book service: a program of its own, which the library calls over HTTP."""
