"""The handshake: from an address to a playing stream. One attempt; when to try again is the caller's matter."""

import asyncio
import re
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from services.ingest.rtsp.dialogue import Dialogue, failure
from services.ingest.rtsp.errors import Damaged, Refused, Silent, TransportLost, Unauthorised
from services.ingest.rtsp.message import Reply, read_reply
from services.ingest.rtsp.playing import PlayingStream
from services.ingest.rtsp.sdp import Offer, read_offer
from services.ingest.rtsp.url import CameraAddress, Credentials

_SESSION_TIMEOUT = 60.0                                      # s, where the camera names none: RFC 2326 §12.37
_EARLY_LIMIT = 1 << 19                                       # bytes of media before the reply to PLAY
_AddressInfo = tuple[int, int, int, str, Any]                # as getaddrinfo gives it
_PROOFS = 3                                                  # how often one request is repeated with new proof


@dataclass(frozen=True, slots=True)
class Patience:
    connect_s: float = 5.0
    reply_s: float = 10.0                                    # for each request
    receive_buffer: int = 1 << 20                            # bytes: more than a camera sends between two drains


async def open_stream(address: CameraAddress, credentials: Credentials | None, patience: Patience) -> PlayingStream:
    """Connects, asks what there is, sets up video and AAC audio and starts them. Raises a `StreamUnavailable`; the socket is closed then."""
    connection = await _connect(address, patience)
    try:
        return await _Handshake(connection, address, credentials, patience).play()
    except BaseException:
        connection.close()
        raise


async def _connect(address: CameraAddress, patience: Patience) -> socket.socket:
    try:
        async with asyncio.timeout(patience.connect_s):
            found = await asyncio.get_running_loop().getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
            return await _first_to_answer(found, patience)
    except ConnectionRefusedError as error:
        raise Refused("the camera refuses connections") from error
    except TimeoutError as error:
        raise Silent("the camera does not answer") from error
    except OSError as error:
        raise TransportLost("there is no way to the camera") from error


async def _first_to_answer(found: Sequence[_AddressInfo], patience: Patience) -> socket.socket:
    """A name may stand for several addresses; each gets its share of the time. Raises: OSError, of the last one."""
    *others, last = found
    for each in others:
        with suppress(OSError):
            async with asyncio.timeout(patience.connect_s / len(found)):
                return await _connected(each, patience)
    return await _connected(last, patience)


async def _connected(found: _AddressInfo, patience: Patience) -> socket.socket:
    family, kind, protocol, _, target = found
    connection = socket.socket(family, kind, protocol)
    try:
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, patience.receive_buffer)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(connection, target)
    except BaseException:
        connection.close()
        raise
    return connection


class _Handshake:
    def __init__(self, connection: socket.socket, address: CameraAddress, credentials: Credentials | None, patience: Patience) -> None:
        self._connection = connection
        self._uri = address.request_uri
        self._patience = patience
        self._dialogue = Dialogue(credentials)
        self._read = b""
        self._early = bytearray()

    async def play(self) -> PlayingStream:
        methods = await self._options()
        offer, base = await self._describe()
        timeout, video_channel = await self._set_up(_join(base, offer.video.control), 0)
        audio_channel = None
        if offer.audio is not None:
            audio_channel = await self._set_up_audio(_join(base, offer.audio.control))
        control = _join(base, offer.control) if offer.control not in ("", "*") else self._uri
        asked = time.monotonic()
        await self._ask("PLAY", control, {"Range": "npt=0.000-"})
        early = bytes(self._early) + self._read
        method = "GET_PARAMETER" if "GET_PARAMETER" in methods else "OPTIONS"
        took = time.monotonic() - asked
        return PlayingStream(self._connection, early, offer, video_channel, audio_channel, timeout / 2, method, control, self._dialogue, took)

    async def _options(self) -> list[str]:
        """The methods that the camera names; none where it doesn't know the question."""
        try:
            reply = await self._ask("OPTIONS", self._uri)
        except Refused:
            return []
        return re.split(r"[\s,]+", reply.header("public").upper())

    async def _describe(self) -> tuple[Offer, str]:
        reply = await self._ask("DESCRIBE", self._uri, {"Accept": "application/sdp"})
        base = reply.header("content-base") or reply.header("content-location")
        return read_offer(reply.body.decode("utf-8", "replace")), base if base.lower().startswith("rtsp://") else self._uri

    async def _set_up(self, uri: str, channel: int) -> tuple[float, int]:
        """(session timeout in s, channel of the media)"""
        reply = await self._ask("SETUP", uri, {"Transport": f"RTP/AVP/TCP;unicast;interleaved={channel}-{channel + 1}"})
        session, _, rest = reply.header("session").partition(";")
        if not session.strip():
            raise Damaged("SETUP: no session")
        self._dialogue.session = session.strip()
        given = re.search(r"interleaved\s*=\s*(\d{1,3})", reply.header("transport"))
        timeout = re.search(r"timeout\s*=\s*([0-9]{1,6})(?![0-9])", rest)
        return float(timeout[1]) if timeout and int(timeout[1]) > 1 else _SESSION_TIMEOUT, int(given[1]) if given else channel

    async def _set_up_audio(self, uri: str) -> int | None:
        try:
            return (await self._set_up(uri, 2))[1]
        except (Refused, Unauthorised):                      # a picture without sound is recorded all the same
            return None

    async def _ask(self, method: str, uri: str, headers: dict[str, str] | None = None) -> Reply:
        """The reply 200 to a request, repeated with proof where the camera wants some."""
        for _ in range(_PROOFS):
            reply = await self._exchange(self._dialogue.build(method, uri, headers))
            if reply.status == 200:
                return reply
            if reply.status != 401:
                raise failure(method, reply)
            self._dialogue.challenged(reply)
        raise Unauthorised("the camera does not accept the credentials")

    async def _exchange(self, message: bytes) -> Reply:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._patience.reply_s):
                await loop.sock_sendall(self._connection, message)
                while True:
                    reply = self._next_reply()
                    if reply is not None:
                        return reply
                    data = await loop.sock_recv(self._connection, 65_536)
                    if not data:
                        raise TransportLost("the camera closed the connection")
                    self._read += data
        except TimeoutError as error:
            raise Silent("the camera does not answer") from error
        except OSError as error:
            raise TransportLost(f"the connection broke: {error.strerror}") from error

    def _next_reply(self) -> Reply | None:
        """The reply to the last request; media that comes before it is set aside, older replies and requests of the camera are passed over."""
        while self._read:
            if self._read[:1] == b"$":
                end = 4 + int.from_bytes(self._read[2:4], "big") if len(self._read) >= 4 else len(self._read) + 1
                if end > len(self._read):
                    return None
                self._early += self._read[:end]
                self._read = self._read[end:]
                if len(self._early) > _EARLY_LIMIT:
                    raise Damaged("the camera plays but does not answer")
                continue
            reply, taken = read_reply(self._read)
            if not taken:
                return None
            self._read = self._read[taken:]
            if reply is not None and (reply.sequence is None or reply.sequence == self._dialogue.sequence):
                return reply
        return None


def _join(base: str, control: str) -> str:
    """Cameras expect their control behind the base as it is, also behind a query."""
    if control in ("", "*"):
        return base
    if control.lower().startswith("rtsp://"):
        return control
    return base if base.endswith(control) else base.rstrip("/") + "/" + control.lstrip("/")
