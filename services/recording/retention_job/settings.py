"""What the retention job is told."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from services.recording.retention import SHIPPED
from services.recording.settings import ArchiveSettings
from vonglau.settings import setting


@dataclass(frozen=True, kw_only=True)
class RetentionSettings(ArchiveSettings):
    retention_rules: Path | None = setting(None, unit="JSON file", why="rules by owner, class and purpose; unset: those shipped beside the code")
    retention_every_s: float = setting(3600.0, unit="s", why="between two looks at what falls due; nothing falls due more often than daily", at_least=1)
    archive_window_days: int = setting(6, unit="days", why="how far back archives are compared with documents; below the 7 days facts are kept", at_least=1)
    lease_ttl_s: int = setting(4, unit="s", why="so long after a kill another process, or the next start, takes over", at_least=1)

    @property
    def rules_file(self) -> Path:
        return self.retention_rules or SHIPPED
