"""Addresses, messages and descriptions as real cameras write them."""
from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.media.aac import AacFraming
from services.ingest.rtsp.errors import Damaged, Refused
from services.ingest.rtsp.message import read_reply, request
from services.ingest.rtsp.sdp import read_offer
from services.ingest.rtsp.url import Credentials, parse_url
from vonglau.testing.rtp import H264_PPS, H264_SPS

OFFER = """v=0\r
o=- 1 1 IN IP4 192.0.2.1\r
s=Media\r
a=control:*\r
m=video 0 RTP/AVP 96\r
a=rtpmap:96 H264/90000\r
a=fmtp:96 packetization-mode=1;profile-level-id=64000C;sprop-parameter-sets=Z2QADKy0Cgz88IAAAAMAgAAACgeKFVA=,aO88sA==\r
a=control:trackID=1\r
m=audio 0 RTP/AVP 97\r
a=rtpmap:97 mpeg4-generic/16000/1\r
a=fmtp:97 streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1408\r
a=control:trackID=2\r
"""


@pytest.mark.parametrize(("url", "host", "port", "uri", "user", "password"), [
    ("rtsp://cam.example/live", "cam.example", 554, "rtsp://cam.example/live", None, None),
    ("RTSP://10.0.0.1:8554", "10.0.0.1", 8554, "rtsp://10.0.0.1:8554/", None, None),
    ("rtsp://u:p@10.0.0.1/a?channel=1&subtype=0", "10.0.0.1", 554, "rtsp://10.0.0.1/a?channel=1&subtype=0", "u", "p"),
    ("rtsp://u:p%40ss%3A@10.0.0.1/a", "10.0.0.1", 554, "rtsp://10.0.0.1/a", "u", "p@ss:"),
    ("rtsp://u:p@ss@10.0.0.1/a", "10.0.0.1", 554, "rtsp://10.0.0.1/a", "u", "p@ss"),
    ("rtsp://u:p/ss@10.0.0.1/a", "10.0.0.1", 554, "rtsp://10.0.0.1/a", "u", "p/ss"),
    ("rtsp://u@[2001:db8::1]:5554/a@b", "2001:db8::1", 5554, "rtsp://[2001:db8::1]:5554/a@b", "u", ""),
    ("rtsp://10.0.0.1:554/a@b", "10.0.0.1", 554, "rtsp://10.0.0.1:554/a@b", None, None),
])
def test_an_address_is_taken_apart(url: str, host: str, port: int, uri: str, user: str | None, password: str | None) -> None:
    address, credentials = parse_url(url)
    assert (address.host, address.port, address.request_uri) == (host, port, uri)
    assert credentials == (Credentials(user, password or "") if user is not None else None)


@pytest.mark.parametrize("url", ["http://cam/a", "cam", "", "rtsp://", "rtsp://cam:99999/a", "rtsp://cam:x/a", "rtsp://[::1/a"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        parse_url(url)


def test_a_password_does_not_show_in_a_repr() -> None:
    assert "s3cret" not in repr(parse_url("rtsp://u:s3cret@cam/a"))


def test_a_request_ends_with_an_empty_line() -> None:
    assert request("OPTIONS", "rtsp://cam/a", 3, {"Session": "x"}) == b"OPTIONS rtsp://cam/a RTSP/1.0\r\nCSeq: 3\r\nUser-Agent: vonglau\r\nSession: x\r\n\r\n"


@pytest.mark.parametrize("text", [
    b"RTSP/1.0 200 OK\r\nCSeq: 4\r\nContent-Length: 3\r\nX-Long: one\r\n two\r\n\r\nabc",
    b"RTSP/1.0 200 OK\nCSeq:4\nContent-length:3\nX-Long: one\n\ttwo\n\nabc",
    b"\r\nRTSP/1.0 200\r\ncseq : 4\r\nCONTENT-LENGTH: 3\r\nX-Long: one two\r\nnonsense\r\n\r\nabc",
])
def test_a_reply_is_read_in_every_vendors_writing(text: bytes) -> None:
    reply, taken = read_reply(text + b"$\0rest")
    assert reply is not None
    assert (reply.status, reply.sequence, reply.body, reply.header("x-long")) == (200, 4, b"abc", "one two")
    assert taken == len(text)


def test_a_reply_that_is_not_whole_waits_for_more() -> None:
    text = b"RTSP/1.0 200 OK\r\nCSeq: 4\r\nContent-Length: 3\r\n\r\nabc"
    assert all(read_reply(text[:length]) == (None, 0) for length in range(len(text)))


@pytest.mark.parametrize("name", ["CSeq", "Retry-After"])
def test_a_number_of_five_thousand_digits_is_none(name: str) -> None:
    reply, _ = read_reply(f"RTSP/1.0 503 Busy\r\n{name}: {'9' * 5000}\r\n\r\n".encode())
    assert reply is not None
    assert (reply.sequence, reply.retry_after) == (None, None)


def test_what_would_move_a_terminals_cursor_is_left_out_of_a_reason() -> None:
    reply, _ = read_reply(b"RTSP/1.0 404 \x1b[31mNot\x9b0mFound\x07" + b"x" * 200 + b"\r\n\r\n")
    assert reply is not None
    assert reply.reason == "[31mNot 0mFound " + "x" * 64


def test_a_request_of_the_camera_is_passed_over() -> None:
    text = b"OPTIONS rtsp://cam/a RTSP/1.0\r\nCSeq: 1\r\n\r\n"
    assert read_reply(text) == (None, len(text))


@pytest.mark.parametrize("text", [
    b"\x00\x01", b"HTTP/1.1 200 OK\r\n\r\n", b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n", b"A" * 40_000,
    b"RTSP/1.0 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
])
def test_what_is_no_reply_is_damage(text: bytes) -> None:
    with pytest.raises(Damaged):
        read_reply(text)


@given(st.binary(max_size=300))
@settings(max_examples=300)
def test_any_bytes_are_a_reply_or_damage(data: bytes) -> None:
    with suppress(Damaged):
        read_reply(b"RTSP/1.0 " + data)


def test_an_offer_names_codec_sets_controls_and_sound() -> None:
    offer = read_offer(OFFER)
    assert (offer.video.codec, offer.video.parameter_sets, offer.video.control) == ("h264", (H264_SPS, H264_PPS), "trackID=1")
    assert offer.audio is not None
    assert (offer.audio.track.rate, offer.audio.track.channels, offer.audio.track.config) == (16_000, 1, b"\x14\x08")
    assert (offer.audio.framing, offer.audio.control, offer.control) == (AacFraming(13, 3, 3), "trackID=2", "*")


@pytest.mark.parametrize("change", [
    ("mpeg4-generic/16000/1", "PCMU/8000"), ("mpeg4-generic/16000/1", "MP4A-LATM/16000"), ("config=1408", "config=xyz"), ("sizelength=13", "sizelength=-1"),
    ("16000/1", "9" * 5000), ("sizelength=13", "sizelength=" + "0" * 5000),
])
def test_sound_that_no_file_can_hold_is_left_out(change: tuple[str, str]) -> None:
    assert read_offer(OFFER.replace(*change)).audio is None


@pytest.mark.parametrize("change", [
    ("\r\n", "\n"), ("H264/90000", "h264/90000"), ("Z2QADKy0Cgz88IAAAAMAgAAACgeKFVA=", "Z2QADKy0Cgz88IAAAAMAgAAACgeKFVA"), ("96 pack", "96  pack"),
])
def test_an_offer_is_read_in_every_vendors_writing(change: tuple[str, str]) -> None:
    assert read_offer(OFFER.replace(*change)).video.parameter_sets == (H264_SPS, H264_PPS)


def test_broken_parameter_sets_are_left_to_the_stream() -> None:
    assert read_offer(OFFER.replace("sprop-parameter-sets=Z2QADKy0", "sprop-parameter-sets=,@,x,")).video.codec == "h264"


def test_an_offer_without_usable_video_is_damage() -> None:
    with pytest.raises(Damaged):
        read_offer(OFFER.replace("H264", "JPEG"))


@given(st.text(max_size=300))
@settings(max_examples=200)
def test_any_text_is_an_offer_or_damage(text: str) -> None:
    with suppress(Damaged):
        read_offer(OFFER[:300] + text)
