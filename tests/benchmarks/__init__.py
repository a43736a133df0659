"""What a request, a start and an import pay for this package: ``make bench``."""
