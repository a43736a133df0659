from django.apps import AppConfig
from django.conf import settings

from django_lifespan_typed.signals import asgi_shutdown, asgi_startup

from .audit import AuditLog


class MySiteConfig(AppConfig):
    name = "mysite"
    audit_log: AuditLog

    def ready(self) -> None:
        from .receivers import Receivers

        receivers = Receivers(self, settings.AUDIT_LOG)
        # weak=False, because nothing else refers to the object of these methods.
        asgi_startup.connect(receivers.startup, weak=False, dispatch_uid="audit")
        asgi_shutdown.connect(receivers.shutdown, weak=False, dispatch_uid="audit")
