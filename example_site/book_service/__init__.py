"""The book service: a separate program that the library calls over HTTP."""
