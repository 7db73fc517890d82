"""The handshake against a scripted camera that says exactly what a test wants."""
from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from services.ingest.rtsp.client import Patience, open_stream
from services.ingest.rtsp.errors import Damaged, Refused, Silent, StreamUnavailable, TransportLost, Unauthorised
from services.ingest.rtsp.playing import PlayingStream
from services.ingest.rtsp.url import Credentials, parse_url

pytestmark = pytest.mark.loopback

SDP = "v=0\r\ns=x\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track1\r\n"
SOUND = "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 mpeg4-generic/16000/1\r\na=fmtp:97 mode=AAC-hbr;config=1408\r\na=control:track2\r\n"
QUICK = Patience(connect_s=2, reply_s=0.4, receive_buffer=65_536)


@dataclass
class ScriptedCamera:
    """Answers each method with what stands in `replies`, `{cseq}` filled in; what was asked is in `asked`."""

    replies: dict[str, str | bytes | None] = field(default_factory=dict)
    body: str = SDP
    refused_track: str = "none"
    asked: list[str] = field(default_factory=list)
    port: int = 0

    def answer(self, method: str, cseq: str) -> bytes | None:
        given = self.replies.get(method)
        if self.refused_track in self.asked[-1]:
            return f"RTSP/1.0 461 Unsupported\r\nCSeq: {cseq}\r\n\r\n".encode()
        if isinstance(given, bytes) or (given is None and method in self.replies):
            return given
        extra = {
            "OPTIONS": "Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER\r\n",
            "DESCRIBE": f"Content-Base: rtsp://127.0.0.1:{self.port}/a/\r\nContent-Type: application/sdp\r\nContent-Length: {len(self.body)}\r\n",
            "SETUP": "Session: 77;timeout=20\r\nTransport: RTP/AVP/TCP;unicast;interleaved=4-5\r\n",
        }.get(method, "")
        text = given if given is not None else f"RTSP/1.0 200 OK\r\nCSeq: {{cseq}}\r\n{extra}\r\n" + (self.body if method == "DESCRIBE" else "")
        return str(text).replace("{cseq}", cseq).encode()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                self.asked.append(head)
                method = head.split(" ", 1)[0]
                answer = self.answer(method, head.partition("CSeq: ")[2].split("\r\n", 1)[0])
                if answer is not None:
                    writer.write(answer)
                if answer == b"":
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def listening(camera: ScriptedCamera) -> AsyncIterator[None]:
    server = await asyncio.start_server(camera.serve, "127.0.0.1", 0)
    camera.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        server.close()


async def opened(camera: ScriptedCamera, credentials: Credentials | None = None) -> PlayingStream:
    async with listening(camera):
        address, _ = parse_url(f"rtsp://127.0.0.1:{camera.port}/a")
        stream = await open_stream(address, credentials, QUICK)
        stream.close()
        return stream


async def refused(camera: ScriptedCamera, credentials: Credentials | None = None) -> StreamUnavailable:
    with pytest.raises(StreamUnavailable) as raised:
        await opened(camera, credentials)
    return raised.value


async def test_a_camera_is_asked_in_order_and_its_channels_are_its_own() -> None:
    camera = ScriptedCamera()
    stream = await opened(camera)
    assert [head.split(" ")[0] for head in camera.asked[:4]] == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]
    assert (stream.video_channel, stream.audio_channel, stream.keep_alive_s, stream.keep_alive_method) == (4, None, 10.0, "GET_PARAMETER")
    assert f"SETUP rtsp://127.0.0.1:{camera.port}/a/track1 RTSP/1.0" in camera.asked[2]
    assert "Session: 77" in camera.asked[3]


async def test_sound_is_set_up_beside_the_picture_and_left_out_where_the_camera_refuses_it() -> None:
    assert (await opened(ScriptedCamera(body=SDP + SOUND))).audio_channel == 4
    assert (await opened(ScriptedCamera(body=SDP + SOUND, refused_track="track2"))).audio_channel is None


async def test_a_camera_without_options_is_kept_alive_by_them_all_the_same() -> None:
    stream = await opened(ScriptedCamera({"OPTIONS": "RTSP/1.0 501 Not Implemented\r\nCSeq: {cseq}\r\n\r\n"}))
    assert stream.keep_alive_method == "OPTIONS"


@pytest.mark.parametrize("base", ["Content-Base: nonsense\r\n", ""])
async def test_a_senseless_content_base_is_replaced_by_the_address(base: str) -> None:
    camera = ScriptedCamera({"DESCRIBE": f"RTSP/1.0 200 OK\r\nCSeq: {{cseq}}\r\n{base}Content-Length: {len(SDP)}\r\n\r\n{SDP}"})
    await opened(camera)
    assert f"SETUP rtsp://127.0.0.1:{camera.port}/a/track1 " in camera.asked[2]


async def test_media_that_comes_before_the_reply_to_play_is_kept() -> None:
    frame = b"$\x04\x00\x03abc"
    camera = ScriptedCamera({"PLAY": None})
    camera.replies["PLAY"] = frame + b"RTSP/1.0 200 OK\r\nSession: 77\r\n\r\n" + frame
    assert (await opened(camera)).early == frame + frame


async def test_an_old_reply_and_a_request_of_the_camera_are_passed_over() -> None:
    noise = "RTSP/1.0 404 Old\r\nCSeq: 1\r\n\r\nSET_PARAMETER rtsp://x RTSP/1.0\r\nCSeq: 9\r\n\r\n"
    camera = ScriptedCamera({"PLAY": noise + "RTSP/1.0 200 OK\r\nCSeq: {cseq}\r\n\r\n"})
    assert (await opened(camera)).control.endswith("/a")


@pytest.mark.parametrize(("method", "reply", "error"), [
    ("DESCRIBE", "RTSP/1.0 404 Not Found\r\nCSeq: {cseq}\r\n\r\n", Refused),
    ("SETUP", "RTSP/1.0 453 Not Enough Bandwidth\r\nCSeq: {cseq}\r\n\r\n", Refused),
    ("DESCRIBE", "RTSP/1.0 403 Forbidden\r\nCSeq: {cseq}\r\n\r\n", Unauthorised),
    ("DESCRIBE", "RTSP/1.0 401 Unauthorized\r\nCSeq: {cseq}\r\n\r\n", Unauthorised),
    ("DESCRIBE", "RTSP/1.0 200 OK\r\nCSeq: {cseq}\r\nContent-Length: 3\r\n\r\nv=0", Damaged),
    ("SETUP", "RTSP/1.0 200 OK\r\nCSeq: {cseq}\r\n\r\n", Damaged),
    ("OPTIONS", b"\x16\x03\x01\x00\x02\x02\x28", Damaged),
    ("PLAY", None, Silent),
    ("PLAY", b"", TransportLost),
])
async def test_each_refusal_has_the_error_of_its_consequence(method: str, reply: str | bytes | None, error: type[StreamUnavailable]) -> None:
    assert type(await refused(ScriptedCamera({method: reply}))) is error


async def test_a_camera_says_when_to_come_back() -> None:
    failure = await refused(ScriptedCamera({"DESCRIBE": "RTSP/1.0 503 Busy\r\nCSeq: {cseq}\r\nRetry-After: 17\r\n\r\n"}))
    assert failure.retry_after == 17


async def test_a_wrong_password_is_not_tried_for_ever() -> None:
    camera = ScriptedCamera({"DESCRIBE": 'RTSP/1.0 401 Unauthorized\r\nCSeq: {cseq}\r\nWWW-Authenticate: Digest realm="r", nonce="1"\r\n\r\n'})
    assert isinstance(await refused(camera, Credentials("u", "p")), Unauthorised)
    assert len([head for head in camera.asked if head.startswith("DESCRIBE")]) == 2


async def test_a_closed_port_is_a_refusal() -> None:
    camera = ScriptedCamera()
    async with listening(camera):
        pass
    address, _ = parse_url(f"rtsp://127.0.0.1:{camera.port}/a")
    with pytest.raises(Refused):
        await open_stream(address, None, QUICK)


async def test_of_several_addresses_of_a_name_the_first_that_answers_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    camera, full = ScriptedCamera(), socket.socket()
    with full, socket.socket() as waiting, socket.socket() as closed:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting.connect(full.getsockname())  # so that nobody else gets in: it neither refuses nor answers
        closed.bind(("127.0.0.1", 0))
        async with listening(camera):
            ways = [full.getsockname(), closed.getsockname(), ("127.0.0.1", camera.port)]

            async def found(*_asked: object, **_more: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
                return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", way) for way in ways]

            monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found)
            stream = await open_stream(parse_url(f"rtsp://camera.example:{camera.port}/a")[0], None, QUICK)
            stream.close()
            ways.pop()
            with pytest.raises(Refused):
                await open_stream(parse_url("rtsp://camera.example/a")[0], None, QUICK)


async def test_a_host_that_does_not_exist_is_no_way_to_the_camera() -> None:
    with pytest.raises(TransportLost):
        await open_stream(parse_url("rtsp://no-such-camera.invalid/a")[0], None, QUICK)
