"""One RTSP connection of a farm: requests in, replies out, and the session that it may hold."""

import asyncio
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from vonglau.testing.cameras import sdp
from vonglau.testing.cameras.camera import SimulatedCamera
from vonglau.testing.cameras.faults import Faults, UnknownFaultError
from vonglau.testing.cameras.playing import Playing, Wire
from vonglau.testing.cameras.rtsp import Inbox, MalformedRequestError, Reply, Request
from vonglau.testing.cameras.session import Session, transport_channel

CONTROL = "SET_PARAMETER"  # always heard, so that a fault can be ended
METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, SET_PARAMETER, TEARDOWN"
SEND_BUFFER = 1 << 20  # bytes: what a camera's kernel holds for a client that reads now and then


@dataclass(slots=True)
class Lobby:
    """What connections share: the cameras, and who plays now."""

    cameras: dict[str, SimulatedCamera]
    playing: dict["Connection", Playing] = field(default_factory=dict)
    open: set["Connection"] = field(default_factory=set)


class Connection(asyncio.Protocol):
    def __init__(self, lobby: Lobby) -> None:
        self._lobby = lobby
        self._inbox = Inbox()
        self._camera: SimulatedCamera | None = None
        self._session: Session | None = None
        self._profile = "main"
        self._told: dict[str, str] = {}
        self._resetting = False
        self.heard = time.monotonic()
        self._handlers: dict[str, Callable[[Request], Reply | None]] = {
            "DESCRIBE": self._describe,
            "SETUP": self._setup,
            "PLAY": self._play,
            "GET_PARAMETER": self._parameters,
            "SET_PARAMETER": self._parameters,
            "TEARDOWN": self._teardown,
        }

    # asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self._transport.set_write_buffer_limits(high=64 << 20)
        self._lobby.open.add(self)

    def data_received(self, data: bytes) -> None:
        self.heard = time.monotonic()
        try:
            for request in self._inbox.feed(data):
                self._handle(request)
        except MalformedRequestError:
            self._transport.write(Reply(400).encode("0"))
            self._transport.close()

    def connection_lost(self, _error: Exception | None) -> None:
        self._lobby.open.discard(self)
        self._stop(held=self._faults().hold)

    # life

    def tick(self, playing: Playing, now: float) -> None:
        """Called on the farm's timer while this connection plays."""
        camera = cast("SimulatedCamera", self._camera)
        if now - self.heard > camera.spec.session_timeout:
            self._stop()
            self._transport.close()
        else:
            playing.push()

    def reset(self) -> None:
        """Ends with a TCP reset, as when a camera loses power behind a switch that answers for it."""
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._stop()
        self._resetting = True
        # A moment later, so that what was written before is on its way: it may be half a packet.
        asyncio.get_running_loop().call_later(0.005, self._transport.abort)

    def _stop(self, held: bool = False) -> None:
        playing = self._lobby.playing.pop(self, None)
        if playing is not None:
            playing.play.ended = time.time()
        session, self._session = self._session, None
        if session is not None and self._camera is not None:
            self._camera.session_over(session.id, held=held)

    def _faults(self) -> Faults:
        return self._camera.faults.told(self._told) if self._camera is not None else Faults()

    # requests

    def _handle(self, request: Request) -> None:
        try:
            reply = self._answer(request)
        except UnknownFaultError:
            reply = Reply(400)
        if reply is not None and (request.method == CONTROL or not self._faults().mute):
            self._reply(request, reply)

    def _answer(self, request: Request) -> Reply | None:
        """None: answered already."""
        missing = self._find(request)
        if request.method == "OPTIONS":
            return Reply(200, {"Public": METHODS})
        refusal = missing or self._admit(request)
        handler = self._handlers.get(request.method, self._not_allowed)
        return refusal or handler(request)

    def _reply(self, request: Request, reply: Reply) -> None:
        if self._resetting or self._transport.is_closing():
            return
        wait = self._faults().describe_delay if reply.headers.get("Content-Type") == sdp.TYPE else 0.0
        encoded = reply.encode(request.headers.get("cseq", "0"))
        if wait:
            asyncio.get_running_loop().call_later(wait, self._transport.write, encoded)
        else:
            self._transport.write(encoded)

    def _find(self, request: Request) -> Reply | None:
        """Which camera is meant: the URL's, or the one that this connection has described."""
        if self._camera is not None and request.method != "DESCRIBE":
            return None
        camera = self._lobby.cameras.get(request.path[0]) if request.path else None
        profile = request.path[1] if len(request.path) > 1 else "main"
        if camera is None or camera.profile(profile) is None:
            return Reply(404)
        camera.faults.told(request.query)
        self._camera, self._profile, self._told = camera, profile, request.query
        return None

    def _admit(self, request: Request) -> Reply | None:
        camera, faults = cast("SimulatedCamera", self._camera), self._faults()
        if request.method in ("DESCRIBE", "SETUP") and faults.refuse != "no":
            if faults.refuse == "reset":
                self.reset()
            return Reply(503, {"Retry-After": "5"})
        reject = "no" if request.method == CONTROL else faults.reject
        if reject == "bare":
            return Reply(401)
        if camera.door is None:
            return Reply(401, {"WWW-Authenticate": 'Basic realm="camera"'}) if reject == "challenge" else None
        verdict = camera.door.judge(request.method, request.headers.get("authorization", ""), faults.nonce_life)
        if verdict == "in" and reject == "no":
            return None
        return Reply(401, {"WWW-Authenticate": camera.door.challenge(stale=verdict == "stale")})

    def _describe(self, request: Request) -> Reply:
        camera, faults = cast("SimulatedCamera", self._camera), self._faults()
        base = {"right": request.url.partition("?")[0].rstrip("/") + "/", "wrong": "rtsp://192.0.2.1/elsewhere/", "missing": ""}[faults.content_base]
        headers = {"Content-Type": sdp.TYPE} if faults.content_type == "right" else {}
        return Reply(200, headers | ({"Content-Base": base} if base else {}), camera.describe(self._profile, faults))

    def _setup(self, request: Request) -> Reply:
        camera, faults = cast("SimulatedCamera", self._camera), self._faults()
        number = request.track
        channel = transport_channel(request.headers.get("transport", ""), 2 * (number - 1))
        if channel is None:
            return Reply(461)
        if self._session is None:
            if camera.full():
                return Reply(453)
            self._session = Session(camera, self._profile, faults)
        ssrc = self._session.add(number, channel)
        if ssrc is None:
            return Reply(404)
        transport = f"RTP/AVP/TCP;unicast;interleaved={channel}-{channel + 1};ssrc={ssrc ^ (0x1111 if faults.ssrc == 'wrong' else 0):08X}"
        return Reply(200, {"Session": f"{self._session.id};timeout={camera.spec.session_timeout}", "Transport": transport})

    def _play(self, request: Request) -> Reply | None:
        camera, session = cast("SimulatedCamera", self._camera), self._session
        if session is None:
            return Reply(455)
        if request.headers.get("session", session.id).partition(";")[0] != session.id:
            return Reply(454)
        if self in self._lobby.playing:
            return Reply(200, {"Session": session.id})
        wire = Wire(self._transport.write, self._transport.get_write_buffer_size, self.reset)
        playing = session.play(wire)
        info = session.rtp_info(request.url)
        headers = {"Session": session.id, "Range": "npt=0.000-"} | ({"RTP-Info": info} if info else {})
        self._reply(request, Reply(200, headers))
        self._lobby.playing[self] = playing
        camera.started(session.id, playing)
        return None

    def _parameters(self, request: Request) -> Reply:
        headers = {"Session": self._session.id} if self._session else {}
        if request.method == "GET_PARAMETER" or not request.body:
            return Reply(200, headers)
        lines = (line.partition(":") for line in request.body.decode("utf-8", "replace").splitlines() if line.strip())
        try:
            cast("SimulatedCamera", self._camera).set(**{name.strip(): value.strip() for name, _, value in lines})
        except UnknownFaultError:
            return Reply(451, headers)
        return Reply(200, headers)

    def _not_allowed(self, _request: Request) -> Reply:
        return Reply(405, {"Allow": METHODS})

    def _teardown(self, _request: Request) -> Reply:
        self._stop()
        asyncio.get_running_loop().call_soon(self._transport.close)
        return Reply(200)
