"""The library: the Django app of the example site."""
