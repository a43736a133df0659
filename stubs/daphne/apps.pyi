from django.apps import AppConfig

class DaphneConfig(AppConfig):
    name: str
    def ready(self) -> None: ...
