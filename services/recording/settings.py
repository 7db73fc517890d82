"""What the recording service is told, and what its retention job is told with it."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vonglau.settings import PlatformSettings, setting


@dataclass(frozen=True, kw_only=True)
class ArchiveSettings(PlatformSettings):
    """The same for both: one writes archives, the other knows when they have to be there and whose signature they bear."""

    archive_every_s: float = setting(900.0, unit="s", why="between two looks at which days want an archive part", at_least=1)
    archive_grace_s: float = setting(7200.0, unit="s", why="after a day's end (UTC), for what is still in spools; the rest gets a later part", at_least=0)
    archive_key_file: Path | None = setting(None, unit="file, mode 0600", why="signs archives; made at the first start; unset: archive.key beside issuer.key")

    @property
    def archive_key(self) -> Path:
        return self.archive_key_file or self.identity_dir / "archive.key"


@dataclass(frozen=True, kw_only=True)
class RecordingSettings(ArchiveSettings):
    archive_public_key_file: Path | None = setting(None, unit="file", why="proves archives where the key that signs them is elsewhere; 32 bytes, Ed25519")
    gap_watch_every_s: float = setting(60.0, unit="s", why="between two looks for gaps that nothing explains and facts that are late", at_least=1)
    log_walk_every_s: float = setting(3600.0, unit="s", why="between two walks over the own stream of record, for events that a server has lost", at_least=1)
    lease_ttl_s: int = setting(4, unit="s", why="so long after a kill another process, or the next start, takes over projection and jobs", at_least=1)
