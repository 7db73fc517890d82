"""Health alone, in plaintext, for probes, which have no certificate: beside a server, or of a process that serves nothing else."""
from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Self

import grpc
from grpc_health.v1 import health_pb2_grpc

from vonglau.ending import ended
from vonglau.errors import Unavailable
from vonglau.rpc.health import Health, Ready


class Probes:
    """Where probes ask; `start` after the health has been looked at."""

    def __init__(self, address: str, health: Health) -> None:
        """address: host:port, port 0 takes a free one. Raises: Unavailable (ADDRESS_IN_USE)."""
        self._server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
        health_pb2_grpc.add_HealthServicer_to_server(health.servicer, self._server)
        try:
            port = self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise Unavailable("ADDRESS_IN_USE", f"cannot listen on {address}: {error}") from error
        self.address = f"{address.rpartition(':')[0]}:{port}"

    async def start(self) -> None:
        await self._server.start()

    async def stop(self) -> None:
        await self._server.stop(None)


class Probed:
    """`async with Probed(…):` answers probes in the body."""

    def __init__(self, address: str, ready: Mapping[str, Ready]) -> None:
        """address: as of `Probes`; empty: nobody asks. ready: as of `Server`."""
        self._wanted = address
        self._health = Health((), ready)
        self.address = ""  # host:port, once started

    async def __aenter__(self) -> Self:
        """Raises: Unavailable (ADDRESS_IN_USE)."""
        self._probes = Probes(self._wanted, self._health) if self._wanted else None
        await self._health.look()
        if self._probes is not None:
            self.address = self._probes.address
            await self._probes.start()
        self._looking = asyncio.create_task(self._health.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        await ended([self._looking])
        await self._health.leave()
        if self._probes is not None:
            await self._probes.stop()
