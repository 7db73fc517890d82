"""grpc.health.v1: a service is SERVING while everything that it needs is there. Liveness is the process itself."""
from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping

from grpc_health.v1 import health_pb2
from grpc_health.v1._async import HealthServicer

from vonglau.telemetry import count, names

log = logging.getLogger(__name__)

Ready = Callable[[], bool | Awaitable[bool]]
INTERVAL_S, PATIENCE_S = 1.0, 2.0  # between two looks; for one answer


class Health:
    """Asks the readiness callbacks once a second and tells probes. `servicer` is what the server registers."""

    def __init__(self, services: Iterable[str], ready: Mapping[str, Ready]) -> None:
        """ready: by the name of what is needed ("log", "documents"), for the log line that says what is away."""
        self.servicer = HealthServicer()
        self._services = ("", *services)
        self._ready = ready
        self._away: frozenset[str] | None = None

    async def look(self) -> None:
        """Ask every callback once and publish the outcome."""
        answers = await asyncio.gather(*(self._answer(name, ready) for name, ready in self._ready.items()))
        away = frozenset(name for name, answer in zip(self._ready, answers, strict=True) if not answer)
        if away == self._away:
            return
        if away or self._away:
            log.warning("not ready: %s is away", ", ".join(sorted(away))) if away else log.info("ready again")
        self._away = away
        await self._publish(health_pb2.HealthCheckResponse.NOT_SERVING if away else health_pb2.HealthCheckResponse.SERVING)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(INTERVAL_S)

    async def leave(self) -> None:
        """NOT_SERVING for good: the server is about to stop."""
        await self.servicer.enter_graceful_shutdown()

    async def _publish(self, status: health_pb2.HealthCheckResponse.ServingStatus) -> None:
        for service in self._services:
            await self.servicer.set(service, status)

    async def _answer(self, name: str, ready: Ready) -> bool:
        try:
            answer = ready()
            return answer if isinstance(answer, bool) else await asyncio.wait_for(_awaited(answer), PATIENCE_S)
        except TimeoutError:
            return False
        except Exception as error:  # noqa: BLE001 - a callback that fails is a part that is away, and must not end the loop
            count(names.LOOP_ERRORS, 1, {names.LOOP: "health", names.ERROR_TYPE: type(error).__name__})
            log.warning("readiness of %s: %s: %s", name, type(error).__name__, error)
            return False


async def _awaited(answer: Awaitable[bool]) -> bool:
    return await answer
