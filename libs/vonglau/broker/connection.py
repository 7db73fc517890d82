"""One connection to NATS that comes back by itself for as long as the process lives."""
from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nats.aio.client import Client
from nats.errors import AuthorizationError, Error
from nats.js import JetStreamContext
from nats.protocol.parser import AUTHORIZATION_VIOLATION

from vonglau.broker.permissions import inbox_prefix
from vonglau.broker.version import too_old
from vonglau.ending import Parts
from vonglau.errors import Unavailable
from vonglau.telemetry import count
from vonglau.telemetry.names import ERROR_TYPE, LOOP, LOOP_ERRORS

logger = logging.getLogger(__name__)

LOOK_S = 5.0  # between two looks at whether the client still tries
SILENT_LOOKS = 6  # an attempt takes 2 s to connect and at most 10 s to be acknowledged
FORBIDDEN, MOST_TOLD = "permissions violation", 32  # as the server says it; different ones that are logged
RETRY_S = 0.25  # between attempts; a restarted server is seen at once, and 200 clients make 800 attempts a second


@dataclass
class Broker:
    """The connection, JetStream on it, and how often it has been made anew."""

    nc: Client
    js: JetStreamContext
    connections: int = 1  # rises with each reconnect; what is subscribed on the old one may have to be renewed
    too_old: str = ""  # why the server that it came back to will not do; empty: it does

    @property
    def is_connected(self) -> bool:
        """To a server that will do: another one is like none, until the connection comes back to one that does."""
        return bool(self.nc.is_connected) and not self.too_old


@dataclass(frozen=True, slots=True)
class Login:
    """How a service comes in where the server asks who it is."""

    user: str  # as in vonglau.broker.permissions
    seed: Path | None = None  # of nkeys; None: the server admits anybody
    authorities: Path | None = None  # PEM, for a server with TLS; None: those of the system

    def options(self, url: str) -> dict[str, Any]:
        """Of the client's connect."""
        options: dict[str, Any] = {"inbox_prefix": inbox_prefix(self.user)}
        if self.seed is not None:
            options["nkeys_seed"] = str(self.seed)
        if self.authorities is not None or "tls://" in url:
            options["tls"] = ssl.create_default_context(cafile=self.authorities and str(self.authorities))
        return options


@asynccontextmanager
async def connect(url: str, *, name: str, within: float | None = None, login: Login | None = None, look_s: float = LOOK_S) -> AsyncIterator[Broker]:
    """Connected; waits until a server is there, since services start in any order.

    url: one or several, by comma. within: s, for the first connection; None: for ever. A client that gives up ends the body;
    look_s: between two looks at whether it has.

    Raises: TimeoutError, Unavailable (LOG_CLIENT_STUCK).
    """
    told, nc = Told(), Returning()
    await asyncio.wait_for(
        nc.connect(
            [each.strip() for each in url.split(",")],
            name=name,
            reconnect_time_wait=RETRY_S,  # type: ignore[arg-type]  # it only sleeps so long
            max_reconnect_attempts=-1,  # of the first connection too
            error_cb=told.failed,
            reconnected_cb=told.came_back,
            disconnected_cb=told.went_away,
            allow_reconnect=True,
            ping_interval=5,
            max_outstanding_pings=2,
            **(login.options(url) if login else {}),
        ),
        within,
    )
    told.broker = broker = Broker(nc, nc.jetstream())
    told.is_refused = False
    try:
        async with Parts() as parts:
            parts.start(attended(nc, told, look_s))
            yield broker
    finally:
        with contextlib.suppress(OSError, RuntimeError, TypeError):  # a server that has just died; uvloop says RuntimeError, asyncio of 3.12 TypeError
            await nc.close()


class Returning(Client):
    """Goes on trying where the server refuses its credential under way, as it does at the first connection; the client as it is gives up."""

    async def _process_err(self, err_msg: str) -> None:
        if AUTHORIZATION_VIOLATION in err_msg:
            await self._process_op_err(AuthorizationError())
        else:
            await super()._process_err(err_msg)

    async def _process_connect_init(self) -> None:
        try:
            await super()._process_connect_init()
        except (OSError, Error, TimeoutError):
            if self._transport is not None:
                self._transport.close()  # which the client leaves open at each further attempt
            raise


async def attended(nc: Client, told: Told, look_s: float) -> None:
    """For ever, unless the client has given up: it closes at what a server takes for an abuse, and an error that it does not expect ends its attempts.

    Raises: Unavailable (LOG_CLIENT_STUCK).
    """
    silent, heard = 0, 0
    while not nc.is_closed and silent < SILENT_LOOKS:
        await asyncio.sleep(look_s)
        silent = 0 if nc.is_connected or told.signs != heard else silent + 1
        heard = told.signs
    raise Unavailable("LOG_CLIENT_STUCK", f"the event log's client makes no more attempts to connect ({nc.last_error or 'no error'})")


class Told:
    """What the client reports: each change is said once, each failed attempt only where somebody debugs."""

    def __init__(self) -> None:
        self.broker: Broker | None = None  # none before the first connection
        self.signs = 0  # of life: attempts that failed or succeeded
        self.is_refused = False  # until it is admitted
        self._is_waiting = False
        self._told: set[str] = set()

    async def failed(self, error: Exception) -> None:
        self.signs += 1
        if AUTHORIZATION_VIOLATION in str(error).lower():
            if not self.is_refused:
                self.is_refused = True
                logger.warning("the event log refuses this process's credential (%s); it is asked again until it admits it", error)
        elif FORBIDDEN in str(error).lower():
            self._forbidden(str(error))
        elif self.broker is None and not self._is_waiting:
            self._is_waiting = True
            logger.info("waiting for the event log: %s", error)
        logger.debug("nats: %s", error)

    def _forbidden(self, what: str) -> None:
        """What this process asks for again and again is said once."""
        count(LOOP_ERRORS, labels={LOOP: "log", ERROR_TYPE: "LOG_FORBIDDEN"})
        if what not in self._told and len(self._told) < MOST_TOLD:
            self._told.add(what)
            logger.warning("the event log does not permit what this process asks of it: %s", what)

    async def came_back(self) -> None:
        self.signs += 1
        self.is_refused = False
        if self.broker is not None:
            self.broker.connections += 1
            self.broker.too_old = too_old(self.broker.nc)
            if self.broker.too_old:
                logger.error("%s; this process takes no calls while it is connected to it", self.broker.too_old)
            else:
                logger.info("the event log is back")

    async def went_away(self) -> None:
        if self.broker is not None and not self.broker.nc.is_closed:
            logger.warning("the event log is away; commands wait, recording goes on")
