"""The processes of one machine and their order: the log first up and last down, services in any order between."""
from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from services.standalone import demonstration
from services.standalone.child import Child, Program
from services.standalone.settings import SERVICES_END_S, StandaloneSettings
from vonglau.broker.server import CONFIGURATION, free_port, program, room_of

OTHERS_END_S = 2.0


class Platform:
    """Every process of the platform, kept running until `stop`."""

    def __init__(self, settings: StandaloneSettings, say: Callable[[str], None]) -> None:
        self.settings = settings
        self._say = say
        self._services = {  # name -> what this process is told and others are not
            "registry": settings.listening(settings.registry_port),
            "recording": settings.listening(settings.recording_port),
            "retention": {},
        }
        for number in range(settings.ingest_processes):
            self._services[f"ingest-{number}" if number else "ingest"] = settings.ingest_environment(number)
        self._nats_port = settings.nats_port or free_port()
        self.children: dict[str, Child] = {}
        self._running: dict[str, asyncio.Task[None]] = {}

    @property
    def nats_url(self) -> str:
        return f"nats://127.0.0.1:{self._nats_port}"

    def start(self) -> int:
        """Start everything; the port of the simulated cameras, 0 without them."""
        settings = self.settings
        for folder in (settings.run_dir, settings.log_dir, settings.data / "nats", settings.data / "footage"):
            folder.mkdir(parents=True, exist_ok=True)
        for stale in settings.run_dir.rglob("*.address"):
            stale.unlink()
        self._keep("nats", [str(program()), "-c", str(self._nats_configuration())])
        port = self._start_cameras() if settings.simulated_cameras else 0
        for name, own in self._services.items():
            self._keep(name, [sys.executable, "-m", module(name)], own)
        return port

    async def stop(self) -> None:
        """Services first, while the log is still there to take their last facts."""
        await self._stop(self._services, SERVICES_END_S)
        await self._stop([name for name in self.children if name not in self._services], OTHERS_END_S)
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _stop(self, names: Iterable[str], within: float) -> None:
        await asyncio.gather(*(self.children[name].stop(within) for name in names if name in self.children))

    def _start_cameras(self) -> int:
        settings = self.settings
        port = demonstration.kept_port(settings.data / "simulated-cameras.port", free_port())
        self._keep("cameras", demonstration.farm_argv(sys.executable, settings.simulated_cameras, port))
        return port

    def _keep(self, name: str, argv: list[str], own: Mapping[str, str] = MappingProxyType({})) -> None:
        """own: what this process is told and others are not."""
        environment = {**self.settings.environment(self.nats_url), **os.environ, **own}
        child = Child(Program(name, argv, environment, self.settings.log_dir / f"{name}.log"), self.settings.restart_backoff_s, self._say)
        self.children[name] = child
        self._running[name] = asyncio.create_task(child.run(), name=name)

    def _nats_configuration(self) -> str:
        store = (self.settings.data / "nats").resolve()
        path = store / "nats-server.conf"
        most = room_of(self.settings.streams_gb)
        path.write_text(CONFIGURATION.format(port=self._nats_port, store=store, sync=f'"{self.settings.nats_sync}"', most=most), encoding="utf-8")
        return str(path)


def module(service: str) -> str:
    """What a process runs, by its name: `ingest-1` is one more of `ingest`."""
    return "services.recording.retention_job" if service == "retention" else f"services.{service.partition('-')[0]}"
