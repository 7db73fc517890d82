"""What a person may want to set on one machine. Every VONGLAU_ variable of the services is passed on to them."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vonglau.settings import STREAMS_GB, setting

SERVICES_END_S = 6.5  # with what is ended after them below the 10 s in which Ctrl-C ends the platform
MOST_CAMERAS = 64  # that one process plays beside everything else on the machine
SERVICES_GRACE_S = 5.5  # of that; the rest is for closing what a service holds


@dataclass(frozen=True, kw_only=True)
class StandaloneSettings:
    """Paths below the data folder are fixed, so that the CLI finds the platform by the folder alone."""

    data: Path = setting(Path("var"), unit="folder", why="all that the platform keeps; two platforms need two folders")
    simulated_cameras: int = setting(8, unit="cameras, 0 to 64", why="of three owners, registered at the first start; 0: only real ones", at_least=0)
    ingest_processes: int = setting(1, unit="processes", why="that share the cameras; each uses a core at most", at_least=1)
    nats_port: int = setting(0, unit="TCP port", why="0: a free one, found anew at each start", at_least=0)
    registry_port: int = setting(0, unit="TCP port", why="of gRPC; 0: a free one, found anew at each start", at_least=0)
    ingest_port: int = setting(0, unit="TCP port", why="likewise, of the first ingest process", at_least=0)
    recording_port: int = setting(0, unit="TCP port", why="likewise", at_least=0)
    listen: str = setting("127.0.0.1:0", unit="host:0", why="the host where services listen; their ports are named one by one")
    health_listen: str = setting("", unit="host:0", why="health of each service apart, without TLS; empty: not served apart")
    nats_sync: str = setting("always", unit="always, or an interval such as 2m", why="syncs of the log; always: what was accepted survives a power cut")
    streams_gb: float = setting(STREAMS_GB, unit="10⁹ bytes", why="what the log may hold; facts have 70 % of it, for 7 days at most", at_least=0.05)
    restart_backoff_s: float = setting(0.5, unit="s", why="before the first restart of a service that died; doubled up to 30 s", at_least=0)

    def __post_init__(self) -> None:
        """Raises: ValueError naming what contradicts."""
        if wrong := list(self._contradictions()):
            raise ValueError("; ".join(wrong))

    def _contradictions(self) -> Iterator[str]:
        if self.simulated_cameras > MOST_CAMERAS:
            yield f"VONGLAU_SIMULATED_CAMERAS={self.simulated_cameras} is more than {MOST_CAMERAS}"
        ports = {"NATS": self.nats_port, "REGISTRY": self.registry_port, "INGEST": self.ingest_port, "RECORDING": self.recording_port}
        given = [port for port in ports.values() if port]
        if len(set(given)) < len(given):
            yield f"{', '.join(f'VONGLAU_{name}_PORT' for name, port in ports.items() if given.count(port) > 1)} are the same port"
        if not self.listen.endswith(":0"):
            each = "VONGLAU_REGISTRY_PORT, VONGLAU_INGEST_PORT and VONGLAU_RECORDING_PORT"
            yield f"VONGLAU_LISTEN={self.listen!r} is told to every service, and they can't share a port: host:0 here, ports by {each}"
        if self.health_listen and not self.health_listen.endswith(":0"):
            yield f"VONGLAU_HEALTH_LISTEN={self.health_listen!r} is told to every service, and they can't share a port: host:0"

    @property
    def run_dir(self) -> Path:
        return self.data / "run"

    @property
    def log_dir(self) -> Path:
        return self.data / "log"

    def listening(self, port: int) -> dict[str, str]:
        """What a service is told of where it listens."""
        return {"VONGLAU_LISTEN": f"{self.listen.removesuffix('0')}{port}"}

    def ingest_environment(self, number: int) -> dict[str, str]:
        """What makes one of several ingest processes another one; the first is the one whose address others look up."""
        if not number:
            return self.listening(self.ingest_port)
        node = f"ingest-{number}"
        return {"VONGLAU_NODE": node, "VONGLAU_RUN_DIR": str(self.run_dir / node), "VONGLAU_SPOOL_DIR": str(self.data / f"spool-{number}")}

    def environment(self, nats_url: str) -> dict[str, str]:
        """What the services are told; a variable that is set already stands."""
        return {
            "VONGLAU_NATS_URL": nats_url,
            "VONGLAU_STREAMS_GB": str(self.streams_gb),
            **self.listening(0),
            "VONGLAU_RUN_DIR": str(self.run_dir),
            "VONGLAU_DATA_DIR": str(self.data / "documents"),
            "VONGLAU_FOOTAGE_DIR": str(self.data / "footage"),
            "VONGLAU_SPOOL_DIR": str(self.data / "spool"),
            "VONGLAU_IDENTITY_DIR": str(self.data / "identity"),
            "VONGLAU_SECRETS_KEY_FILE": str(self.data / "secrets.key"),
            "VONGLAU_PLATFORM_ADMINS": "platform",
            "VONGLAU_GRACE_S": str(SERVICES_GRACE_S),
        }
