"""Background tasks: resources whose value is the record of a supervised function."""
