import os

POSTGRESQL_URL = os.environ.get("POSTGRESQL_URL", "postgresql://127.0.0.1/mysite")
