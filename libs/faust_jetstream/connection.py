"""One NATS connection of an app: opened by its first user, closed by its last, and the few requests that nats-py lacks."""

import asyncio
import re
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from mode import get_logger
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError
from nats.errors import TimeoutError as NatsTimeout
from nats.js import JetStreamContext
from nats.js.errors import APIError, NoStreamResponseError, ServiceUnavailableError

from .errors import BadSetting, CannotConnect, NotStored, ServerTooOld
from .settings import Access

logger = get_logger(__name__)

NOT_FOR_ACCOUNT = 10039
NEEDED = (2, 12)        # atomic batches
PENDING_BYTES = 16 * 1024 * 1024
_TOLD = 20              # failures of an attempt to connect that are remembered
API_TIMEOUT = 5.0       # seconds; a request that was lost with its connection is repeated after it

#: The outcome is unknown or the server says "not now": no leader, a lost answer, a full disk.
TRY_AGAIN = (NoRespondersError, NoStreamResponseError, NatsTimeout, ServiceUnavailableError, NotStored)

T = TypeVar("T")


class Connection:
    """Shared by an app's producer and consumer; counts its users."""

    nc: Client
    js: JetStreamContext

    def __init__(self, access: Access, name: str) -> None:
        self.access = access
        self.name = name
        self._users = 0
        self._opening = asyncio.Lock()

    async def open(self) -> None:
        """Join; the first user connects. Raises CannotConnect, ServerTooOld, BadSetting."""
        async with self._opening:
            if not self._users:
                self.nc = await connect(self.access, self.name)
                self.js = context(self.nc, self.access)
            self._users += 1

    async def close(self) -> None:
        """Leave; the last user disconnects."""
        async with self._opening:
            self._users -= 1
            if not self._users:
                await self.nc.close()

    @property
    def api(self) -> str:
        """The subject prefix of the JetStream API, such as ``$JS.API``."""
        return api_prefix(self.access)


def api_prefix(access: Access) -> str:
    if access.domain:
        return f"$JS.{access.domain}.API"
    return access.api_prefix or "$JS.API"


def context(nc: Client, access: Access) -> JetStreamContext:
    return nc.jetstream(prefix=api_prefix(access), timeout=API_TIMEOUT)


async def connect(access: Access, name: str) -> Client:
    """A connection that outlives server restarts once it stands.

    Raises CannotConnect when no server lets us in within ``access.connect_timeout``, ServerTooOld when it cannot do atomic batches.
    """
    nc = Client()
    told: list[Exception] = []

    async def failed(exc: Exception) -> None:
        told.append(exc)
        del told[:-_TOLD]
        logger.warning("nats: %r", exc)

    try:
        async with asyncio.timeout(access.connect_timeout):
            await nc.connect(
                servers=list(access.servers),
                name=name,
                error_cb=failed,
                max_reconnect_attempts=-1,
                reconnect_time_wait=0.5,  # type: ignore[arg-type]  # seconds; a float works and the annotation says int
                ping_interval=5,
                max_outstanding_pings=2,
                pending_size=PENDING_BYTES,
                inbox_prefix=access.inbox_prefix,
                **credentials(access),
            )
    except (TimeoutError, NatsError, OSError) as exc:
        await nc.close()
        raise CannotConnect(_why(access, _cause(told) or exc)) from exc
    try:
        check_version(nc)
        await _check_jetstream(nc, access)
    except (ServerTooOld, CannotConnect):
        await nc.close()
        raise
    return nc


def credentials(access: Access) -> dict[str, Any]:
    """The arguments of nats-py that prove who asks; raises BadSetting for files that cannot be read."""
    given: dict[str, Any] = {}
    if access.user:
        given.update(user=access.user, password=access.password)
    if access.token:
        given["token"] = access.token
    if access.credentials:
        given["user_credentials"] = access.credentials
    if access.nkey_seed:
        given["nkeys_seed"] = access.nkey_seed
    if access.tls or access.tls_ca or access.tls_cert:
        given["tls"] = _tls(access)
    return given


def _tls(access: Access) -> ssl.SSLContext:
    try:
        tls = ssl.create_default_context(cafile=access.tls_ca)
        if access.tls_cert:
            tls.load_cert_chain(access.tls_cert, access.tls_key)
    except OSError as exc:
        raise BadSetting(f"broker URL: tls_ca, tls_cert or tls_key cannot be used: {exc}") from exc
    return tls


def _refused(text: str) -> bool:
    return "authorization" in text.lower() or "authentication" in text.lower()


def _cause(told: list[Exception]) -> Exception | None:
    """A refusal of the credentials, or what was told last: a server that refuses may also reset the connection before it says why."""
    return next((exc for exc in told if _refused(str(exc))), told[-1] if told else None)


def _why(access: Access, cause: Exception) -> str:
    where = ", ".join(access.servers)
    text = str(cause) or repr(cause)
    if _refused(text):
        return f"{where} refuses the credentials ({text}): check user and password, token=, credentials= or nkey_seed= in the broker URL"
    if isinstance(cause, ssl.SSLError):
        return f"{where}: TLS failed ({text}): name the authority with tls_ca=, the client certificate with tls_cert= and tls_key="
    if "tls" in text.lower() or "secure connection" in text.lower():
        return f"{where} wants TLS ({text}): add tls=1, and tls_ca= for an own authority, to the broker URL"
    return f"no NATS server at {where} within {access.connect_timeout:g} s ({text}): is it running, and is the broker URL right?"


def check_version(nc: Client) -> None:
    version = str(nc.connected_server_version)
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", version)
    if found is None or (int(found[1]), int(found[2])) < NEEDED:
        told = found[0] if found else version
        raise ServerTooOld(f"nats-server {told} has no atomic batches, which commits rest on: upgrade it to {NEEDED[0]}.{NEEDED[1]} or later")


async def _check_jetstream(nc: Client, access: Access) -> None:
    give_up = time.monotonic() + access.connect_timeout
    told = nc._server_info.get("jetstream") or access.domain or access.api_prefix  # noqa: SLF001  the client has no accessor for it
    while True:
        try:
            await context(nc, access).account_info()
        except (ServiceUnavailableError, NoRespondersError, NatsTimeout) as exc:
            if getattr(exc, "err_code", None) == NOT_FOR_ACCOUNT:
                raise CannotConnect("JetStream is not enabled for this account: give it limits in the server's accounts{} or the account's JWT") from exc
            if not told:
                raise CannotConnect("JetStream is not enabled: start nats-server with -js, or name domain= or api_prefix= in the broker URL") from exc
            if time.monotonic() > give_up:      # a cluster that elects its leader does not answer either
                raise CannotConnect(f"JetStream does not answer within {access.connect_timeout:g} s: has the cluster a leader? (connect_timeout=)") from exc
        except APIError as exc:
            raise CannotConnect(f"JetStream refuses this account: {exc}") from exc
        else:
            return
        await asyncio.sleep(0.3)


async def insist(call: Callable[[], Awaitable[T]], patience: float, pause: float = 0.3) -> T:
    """Repeat ``call`` while the server says "not now", for ``patience`` seconds; only for calls that may be repeated."""
    give_up = time.monotonic() + patience
    while True:
        try:
            return await call()
        except TRY_AGAIN:
            if time.monotonic() > give_up:
                raise
        await asyncio.sleep(pause)


__all__ = ["API_TIMEOUT", "TRY_AGAIN", "Connection", "connect", "context", "credentials", "insist"]
