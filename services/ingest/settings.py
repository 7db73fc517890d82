"""What an ingest process is told."""
from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from services.ingest.data_plane_settings import DataPlaneSettings
from vonglau.settings import PlatformSettings, group, setting


@dataclass(frozen=True, kw_only=True)
class IngestSettings(PlatformSettings):
    """Beside what every service is told."""

    node: str = setting("ingest-0", unit="name", why="this process among its peers, the same after a restart: it finds its spool by it")
    pool: str = setting("default", unit="name", why="the cameras of a pool are spread over its processes")
    advertise: str = setting("", unit="host:port", why="by which the pool's other processes reach this one; empty: the address it listens at")
    moves_at_once: int = setting(50, unit="cameras", why="that go from one process to another at the same time, each over two connections", at_least=1)
    spool_dir: Path = setting(Path("var/spool"), unit="folder", why="what is recorded and not yet stored; outlives the process")
    max_cameras: int = setting(1000, unit="cameras", why="one process is busy with a core's worth; the rest show as unassigned", at_least=1)
    upload_workers: int = setting(4, unit="uploads at once", why="a store answers slowly now and then; more only queue up there", at_least=1)
    linger_s: float = setting(3.0, unit="s", why="a stored segment stays readable in the spool until recording has its fact", at_least=0)
    clock_limit_s: float = setting(2.0, unit="s", why="a camera's clock that is further off is an alarm", at_least=0)
    viewer_buffer_bytes: int = setting(8 << 20, unit="bytes", why="a viewer that is further behind skips to the next key frame", at_least=1 << 16)
    data_plane: DataPlaneSettings = field(default_factory=DataPlaneSettings, metadata=group().metadata)
