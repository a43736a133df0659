"""The ``manage.py lifespan`` command."""
