from pathlib import Path

from django_lifespan_typed.types import State

from .audit import AuditLog, HasAuditLog


class Receivers:
    def __init__(self, owner: HasAuditLog, path: Path) -> None:
        self.owner = owner
        self.path = path

    async def startup(self, *, state: State, **_: object) -> None:
        self.owner.audit_log = AuditLog(self.path)
        self.owner.audit_log.note(f"up with {', '.join(state)}")

    async def shutdown(self, **_: object) -> None:
        self.owner.audit_log.note("down")
        self.owner.audit_log.close()
