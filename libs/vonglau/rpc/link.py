"""The way from one service to another: a channel that follows the other's address and the own certificate as they change."""
from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import grpc

from vonglau.identity import Caller, LocalIssuer
from vonglau.rpc.addresses import find
from vonglau.rpc.client import TokenSource, channel
from vonglau.rpc.tls import Credentials, Tls
from vonglau.settings import PlatformSettings

LOOK_S = 10.0  # between two looks at the certificate
ANEW_S = 5.0  # after so long a channel to nowhere is made anew
OLD_CALLS_S = 60.0  # what runs on a channel that was replaced may take so long


class Identity:
    """How a service proves who it is: by its certificate where there are certificates, else by tokens of the local issuer."""

    def __init__(self, settings: PlatformSettings, service: str) -> None:
        """Raises: Refused (TLS_FILES_UNUSABLE, KEY_FILE_OPEN), Damaged (KEY_FILE_DAMAGED)."""
        self.tls = tls_of(settings)
        self.token: TokenSource | None = None
        if self.tls is None:
            self.token = LocalIssuer(settings.identity_dir).source(Caller("service", service), settings.tenant)

    def link(self, service: str, address: Callable[[], str]) -> Link:
        """address: of the other service, asked for at each call; raises Unavailable while it is unknown."""
        return Link(service, address, self.token, self.tls)


class Link:
    """To one service."""

    def __init__(self, service: str, address: Callable[[], str], token: TokenSource | None, tls: Tls | None = None) -> None:
        self._service = service
        self._find = address
        self._token = token
        self._tls = tls
        self._looked = self._made = float("-inf")
        self._known: Credentials | None = None
        self._address = ""
        self._channel: grpc.aio.Channel | None = None
        self._closing: set[asyncio.Task[None]] = set()

    def channel(self) -> grpc.aio.Channel:
        """For the next call; not to be kept. Raises: Unavailable (ADDRESS_UNKNOWN, CERTIFICATE_ENDED)."""
        address = self._find()
        if self._channel is None or address != self._address or self._has_new_certificate() or self._leads_nowhere():
            self._retire()
            self._address, self._channel = address, channel(address, self._token, tls=self._tls, service=self._service)
            self._made = asyncio.get_running_loop().time()
        return self._channel

    async def close(self) -> None:
        """Calls that run are cancelled."""
        if self._channel is not None:
            await self._channel.close()
            self._channel = None
        for task in self._closing:
            task.cancel()
        await asyncio.gather(*self._closing, return_exceptions=True)

    def _has_new_certificate(self) -> bool:
        now = asyncio.get_running_loop().time()
        if self._tls is None or now - self._looked < LOOK_S:
            return False
        before, self._known, self._looked = self._known, self._tls.look(), now
        return before is not None and before != self._known

    def _leads_nowhere(self) -> bool:
        """gRPC asks for a name that is not known, or whose addresses do not answer, again after up to two minutes; a new channel asks at once."""
        is_broken = self._channel is not None and self._channel.get_state() is grpc.ChannelConnectivity.TRANSIENT_FAILURE
        return is_broken and asyncio.get_running_loop().time() - self._made >= ANEW_S

    def _retire(self) -> None:
        if self._channel is not None:
            task = asyncio.create_task(self._channel.close(OLD_CALLS_S))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


def address_of(settings: PlatformSettings, service: str) -> Callable[[], str]:
    """As configured, else from the run folder."""
    return partial(find, settings.run_dir, service, getattr(settings, f"{service}_address"))


def tls_of(settings: PlatformSettings) -> Tls | None:
    """None: plaintext, for loopback. Raises: Refused (TLS_FILES_UNUSABLE)."""
    return Tls(settings.tls_dir, settings.tenant) if settings.tls_dir else None
