from pathlib import Path
from typing import Protocol


class AuditLog:
    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")

    def note(self, text: str) -> None:
        self._file.write(f"{text}\n")
        self._file.flush()

    def close(self) -> None:
        self._file.close()


class HasAuditLog(Protocol):
    audit_log: AuditLog
