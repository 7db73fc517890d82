"""What the registry is told."""
from __future__ import annotations

from dataclasses import dataclass

from vonglau.settings import PlatformSettings, setting


@dataclass(frozen=True, kw_only=True)
class RegistrySettings(PlatformSettings):
    import_rows: int = setting(100_000, unit="rows", why="of one import; its ids and URLs are held in memory, about 1 KB a row", at_least=1)
    cached_aggregates: int = setting(20_000, unit="aggregates", why="states kept so that a load reads only news, about 2 KB each", at_least=0)
    lease_ttl_s: int = setting(4, unit="s", why="so long after a kill another process, or the next start, takes over the views", at_least=1)
    log_walk_every_s: float = setting(3600.0, unit="s", why="between two walks over the own stream of record, for events that a server has lost", at_least=1)
