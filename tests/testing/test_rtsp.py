import pytest

from vonglau.testing.cameras.door import Door, Scheme, md5
from vonglau.testing.cameras.rtsp import Inbox, MalformedRequestError, Reply, Request
from vonglau.testing.cameras.session import transport_channel

REQUEST = b"SET_PARAMETER rtsp://h/cam-1/main?skew=1 RTSP/1.0\r\nCSeq: 4\r\nContent-Length: 4\r\n\r\nabcd"


def test_a_request_is_whole_only_with_its_body_however_it_is_sliced() -> None:
    inbox = Inbox()
    found = [request for i in range(len(REQUEST)) for request in inbox.feed(REQUEST[i : i + 1])]
    assert found == [Request("SET_PARAMETER", "rtsp://h/cam-1/main?skew=1", {"cseq": "4", "content-length": "4"}, b"abcd")]


def test_receiver_reports_between_requests_are_passed_over() -> None:
    assert len(Inbox().feed(b"$\x01\x00\x03abc" + REQUEST + b"$\x01\x00\x00" + REQUEST)) == 2


@pytest.mark.parametrize(
    "noise",
    [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\r\n\r\n", b"x" * 70_000, b"PLAY rtsp://h RTSP/1.0\r\nContent-Length: -1\r\n\r\n"],
    ids=lambda noise: repr(noise[:12]),
)
def test_what_is_no_request_is_refused(noise: bytes) -> None:
    with pytest.raises(MalformedRequestError):
        Inbox().feed(noise)


@pytest.mark.parametrize("tail", ["/trackID=2", "?skew=1/trackID=2"])
def test_a_track_is_found_wherever_a_client_appends_it(tail: str) -> None:
    request = Request("SETUP", "rtsp://h/cam-1/main" + tail, {})
    assert (request.path, request.track) == (["cam-1", "main"], 2)


def test_a_reply_tells_the_size_of_its_body() -> None:
    assert Reply(404).encode("9") == b"RTSP/1.0 404 Not Found\r\nCSeq: 9\r\n\r\n"
    assert Reply(200, {}, b"abc").encode("9").endswith(b"Content-Length: 3\r\n\r\nabc")


@pytest.mark.parametrize(
    ("asked", "channel"),
    [
        ("RTP/AVP/TCP;unicast;interleaved=4-5", 4),
        ("RTP/AVP/TCP;unicast", 2),
        ("RTP/AVP;unicast;client_port=4-5", None),
        ("RTP/AVP;unicast;client_port=4-5,RTP/AVP/TCP;interleaved=0-1", 0),
        ("", None),
    ],
)
def test_only_a_transport_over_tcp_gets_a_channel(asked: str, channel: int | None) -> None:
    assert transport_channel(asked, 2) == channel


def digest(door: Door, word: str = "s3", user: str = "u", challenge: str = "", counted: bool = False) -> str:
    nonce = (challenge or door.challenge()).split('nonce="')[1].split('"')[0]
    middle = f"{nonce}:00000001:cafe:auth" if counted else nonce
    response = md5(f"{md5(f'{user}:camera:{word}')}:{middle}:{md5('PLAY:rtsp://h/a,b')}")
    more = ', qop=auth, nc=00000001, cnonce="cafe"' if counted else ""
    return f'Digest username="{user}", realm="camera", nonce="{nonce}", uri="rtsp://h/a,b", response="{response}"{more}'


@pytest.mark.parametrize(("scheme", "counted"), [("digest", False), ("digest-qop", True), ("digest-qop", False)])
def test_the_right_password_opens_with_a_comma_in_the_uri_and_with_qop(scheme: Scheme, counted: bool) -> None:
    door = Door("u", "s3", scheme, "camera")
    assert door.judge("PLAY", digest(door, counted=counted), 60) == "in"


def test_a_wrong_password_user_method_or_nonce_stays_outside() -> None:
    door = Door("u", "s3", "digest", "camera")
    foreign = Door("u", "s3", "digest", "camera").challenge()
    told = [digest(door, word="no"), digest(door, user="x"), digest(door, challenge=foreign), "", "Basic dTpzMw==", "Digest"]
    assert [door.judge("PLAY", text, 60) for text in told] == ["out"] * len(told)
    assert door.judge("DESCRIBE", digest(door), 60) == "out"


def test_an_old_nonce_is_stale_only_for_who_knows_the_password() -> None:
    door = Door("u", "s3", "digest", "camera")
    assert door.judge("PLAY", digest(door), -1) == "stale"
    assert door.judge("PLAY", digest(door, word="no"), -1) == "out"
    assert door.challenge(stale=True).endswith("stale=true")


def test_basic_takes_the_password_as_it_is() -> None:
    door = Door("u", "s3", "basic", "camera")
    assert [door.judge("PLAY", text, 60) for text in ("Basic dTpzMw==", "basic dTpzMw==", "Basic dTpuZQ==", "")] == ["in", "in", "out", "out"]
