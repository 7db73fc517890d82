"""A gRPC server as every service runs it: pipeline, health, reflection, graceful stop."""
from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import grpc
from grpc_health.v1 import health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from vonglau.ending import ended
from vonglau.errors import Unavailable
from vonglau.rpc import addresses
from vonglau.rpc.admission import Admission, Proof
from vonglau.rpc.endings import Endings
from vonglau.rpc.expiry import Expiry
from vonglau.rpc.health import Health, Ready
from vonglau.rpc.limits import LARGEST_REQUEST, LARGEST_RESPONSE
from vonglau.rpc.pipeline import Pipeline
from vonglau.rpc.probed import Probes
from vonglau.rpc.service_config import endless_methods
from vonglau.rpc.telling import Telling
from vonglau.rpc.tls import Tls

Servicer = tuple[Callable[[Any, grpc.aio.Server], None], Any]  # (add_XServicer_to_server, the servicer)

HEALTH = "grpc.health.v1.Health"
OPTIONS = (
    ("grpc.max_receive_message_length", LARGEST_REQUEST),
    ("grpc.max_send_message_length", LARGEST_RESPONSE),
    ("grpc.so_reuseport", 0),  # a port that is taken is an error, not a share of its calls
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),  # clients ping every 20 s to notice a dead peer
)


class Server:
    """`async with Server(…) as server:` serves in the body and stops gracefully after it."""

    def __init__(
        self,
        address: str,
        servicers: Sequence[Servicer],
        proof: Proof,
        *,
        service: str,
        ready: Mapping[str, Ready] | None = None,
        grace_s: float = 8.0,
        address_file: Path | None = None,
        endless: Iterable[str] = (),
        tls: Tls | None = None,
        health_address: str = "",
    ) -> None:
        """address: host:port, port 0 takes a free one. service: its short name, which makes the errors' domain `<service>.vonglau`.

        ready: callbacks by the name of what is needed; health is SERVING only if all say yes. address_file: gets the bound address.
        endless: methods without deadline beside those of the service configs ("/pkg.Service/Method"). tls: None is plaintext, for loopback.
        health_address: host:port where health alone is served in plaintext beside it, for probes, which have no certificate; empty: nowhere.
        """
        forever = endless_methods() | frozenset(endless) | {f"/{reflection.SERVICE_NAME}/ServerReflectionInfo"}
        self._endings = Endings(forever)
        pipeline = Pipeline(Admission(proof, forever, tls), Telling(f"{service}.vonglau"), self._endings)
        self._server = grpc.aio.server(interceptors=[pipeline], options=OPTIONS)
        self._wanted = address
        self._tls = tls
        self.health_address = health_address  # the bound one, once started
        self._probes: Probes | None = None
        self._servicers = servicers
        self._ready = ready or {}
        self._grace_s = grace_s
        self._address_file = address_file
        self.address = ""  # host:port, once started

    async def start(self) -> None:
        """Raises: Unavailable (ADDRESS_IN_USE)."""
        named = Named(self._server)
        for add, servicer in self._servicers:
            add(servicer, named)  # type: ignore[arg-type]
        self._health = Health(named.services, self._ready)
        health_pb2_grpc.add_HealthServicer_to_server(self._health.servicer, self._server)
        reflection.enable_server_reflection((*named.services, HEALTH, reflection.SERVICE_NAME), self._server)
        try:
            port = self._server.add_secure_port(self._wanted, self._tls.for_server()) if self._tls else self._server.add_insecure_port(self._wanted)
        except RuntimeError as error:
            raise Unavailable("ADDRESS_IN_USE", f"cannot listen on {self._wanted}: {error}") from error
        if self.health_address:
            self._probes = Probes(self.health_address, self._health)
            self.health_address = self._probes.address
        self.address = f"{self._wanted.rpartition(':')[0]}:{port}"
        await self._health.look()
        await self._server.start()
        if self._probes is not None:
            await self._probes.start()
        self._looking = [asyncio.create_task(self._health.run())]
        if self._tls is not None:
            self._looking.append(asyncio.create_task(Expiry(self._tls).run()))
        if self._address_file is not None:
            addresses.publish(self._address_file, self.address)

    async def stop(self) -> None:
        """NOT_SERVING, endless calls ended, no new calls; those that run may end within the grace, then they are cancelled."""
        await ended(self._looking)
        if self._address_file is not None:
            addresses.withdraw(self._address_file, self.address)
        await self._health.leave()
        self._endings.begin()
        await self._server.stop(self._grace_s)
        await self._endings.finish()
        if self._probes is not None:
            await self._probes.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


class Named:
    """Takes the place of the server while servicers are added, and learns their services' names."""

    def __init__(self, server: grpc.aio.Server) -> None:
        self._server = server
        self.services: list[str] = []

    def add_generic_rpc_handlers(self, handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        self._server.add_generic_rpc_handlers(handlers)

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, grpc.RpcMethodHandler[Any, Any]]) -> None:
        self.services.append(service)
        self._server.add_registered_method_handlers(service, handlers)
