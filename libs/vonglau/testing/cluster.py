"""Three NATS servers as one cluster, for tests and benchmarks: any one of them may die."""
from __future__ import annotations

import asyncio
from pathlib import Path
from types import TracebackType
from typing import Self

from vonglau.broker import Broker, NatsServer, connect
from vonglau.broker.server import free_port
from vonglau.settings import STREAMS_GB
from vonglau.testing.waiting import eventually

SIZE = 3
ELECTED_S = 30.0


class NatsCluster:
    """`async with NatsCluster(folder) as cluster: connect(cluster.url, …)`."""

    def __init__(self, folder: Path, *, sync: str = "always", extra: str = "", streams_gb: float = STREAMS_GB) -> None:
        routes = [free_port() for _ in range(SIZE)]
        known = ", ".join(f'"nats://127.0.0.1:{port}"' for port in routes)
        self.servers = [
            NatsServer(
                folder / f"n{number}", port=free_port(), sync=sync, streams_gb=streams_gb,
                extra=f'{extra}\nserver_name: n{number}\ncluster {{ name: city, listen: "127.0.0.1:{port}", routes: [{known}] }}\n',
            )
            for number, port in enumerate(routes)
        ]

    @property
    def url(self) -> str:
        return ",".join(server.url for server in self.servers)

    async def __aenter__(self) -> Self:
        await asyncio.gather(*(server.start() for server in self.servers))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await asyncio.gather(*(server.stop() for server in self.servers))

    async def leader_of(self, stream: str) -> NatsServer:
        """Waits while one is elected."""
        async with connect(self.url, name="who leads", within=ELECTED_S) as broker:
            return await eventually(lambda: self._leader(broker, stream), within=ELECTED_S)  # type: ignore[no-any-return]

    async def _leader(self, broker: Broker, stream: str) -> NatsServer | None:
        info = await broker.js.stream_info(stream)
        name = info.cluster.leader if info.cluster else None
        return self.servers[int(name[1:])] if name else None
