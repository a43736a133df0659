import os

from celery import Celery

from django_lifespan_typed.celery import connect_lifespan

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")

app = Celery("mysite")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
connect_lifespan(app)
