"""How long this process's certificate lasts, said ahead of its end. Connections that stand outlive it; new ones fail from then on."""
from __future__ import annotations

import asyncio
import logging
from datetime import datetime

from vonglau.clock import Clock, SystemClock, utc
from vonglau.rpc.tls import Tls
from vonglau.rpc.validity import Stage
from vonglau.telemetry import gauge
from vonglau.telemetry.names import TLS_LEFT, TLS_LEFT_SHARE

logger = logging.getLogger(__name__)

LOOK_S = 60.0


class Expiry:
    """Looks at the folder each minute, whether anybody connects or not; each change is said once."""

    def __init__(self, tls: Tls, clock: Clock | None = None) -> None:
        self._tls = tls
        self._clock = clock or SystemClock()
        self._seen = tls.current
        self.validity = self._seen.validity
        self.stage = Stage.LASTS
        gauge(TLS_LEFT, lambda: [((self.validity.ends - self._now()).total_seconds(), {})])
        gauge(TLS_LEFT_SHARE, lambda: [(self.validity.share_left(self._now()), {})])

    async def run(self) -> None:
        """For ever."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        found = self._tls.look()
        if found != self._seen:
            self._seen, self.validity = found, found.validity
            logger.info("a new certificate is in use, until %s", self.validity.ends)
        before, self.stage = self.stage, self.validity.stage(self._now())
        if self.stage is before:
            return
        if self.stage is Stage.ENDED:
            logger.error("the certificate in %s ended at %s: no new connection comes about until another is there", self._tls.folder, self.validity.ends)
        elif self.stage is Stage.ENDS_SOON:
            logger.warning("the certificate in %s ends at %s and nobody has renewed it", self._tls.folder, self.validity.ends)

    def _now(self) -> datetime:
        return utc(self._clock.now_ns())
