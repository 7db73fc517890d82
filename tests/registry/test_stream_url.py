from __future__ import annotations

import pytest

from services.registry.stream_url import stream_url
from vonglau.errors import Invalid
from vonglau.registry.v1.service_pb2 import Credential


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("rtsp://Camera.Local:554/Main", "rtsp://camera.local/Main"),
        ("RTSP://10.0.0.1", "rtsp://10.0.0.1/"),
        ("rtsps://10.0.0.1:322/a", "rtsps://10.0.0.1/a"),
        ("rtsps://10.0.0.1:554/a", "rtsps://10.0.0.1:554/a"),
        (" rtsp://10.0.0.1:8554/cam?channel=1&subtype=0 ", "rtsp://10.0.0.1:8554/cam?channel=1&subtype=0"),
        ("rtsp://[2001:DB8:0:0::1]:554/a", "rtsp://[2001:db8::1]/a"),
        ("rtsp://camera.local./a", "rtsp://camera.local/a"),
    ],
)
def test_urls_that_mean_the_same_are_written_the_same(given: str, normal: str) -> None:
    assert stream_url(given) == (normal, None)


def test_a_credential_in_the_url_is_taken_out_and_decoded() -> None:
    assert stream_url("rtsp://admin:p%40ss:w@rd@10.0.0.1/a") == ("rtsp://10.0.0.1/a", Credential(username="admin", password="p@ss:w@rd"))  # noqa: S106 - a made-up one


def test_a_credential_in_the_query_is_taken_out_too() -> None:
    admin = Credential(username="admin", password="canary-7")  # noqa: S106 - a made-up one
    hidden = "rtsp://10.0.0.1/a?user=***&password=***"
    assert stream_url("rtsp://10.0.0.1/a?user=admin&password=canary-7") == (hidden, admin)
    assert stream_url("rtsp://admin:canary-7@10.0.0.1/a?user=admin&password=canary-7") == (hidden, admin)
    assert stream_url(hidden) == (hidden, None), "as it is shown it can be given again"


@pytest.mark.parametrize("given", ["rtsp://admin:canary-7@10.0.0.1/a?password=canary-8", "rtsp://10.0.0.1/a?pwd=canary-7&password=canary-8"])
def test_a_url_that_names_two_passwords_is_refused_without_repeating_them(given: str) -> None:
    with pytest.raises(Invalid) as refusal:
        stream_url(given)
    assert refusal.value.reason == "CREDENTIALS_DIFFER"
    assert "canary" not in f"{refusal.value} {refusal.value.metadata}"


@pytest.mark.parametrize(
    "given",
    [
        "",
        "http://10.0.0.1/a",
        "rtsp:///a",
        "rtsp://10.0.0.1:0/a",
        "rtsp://10.0.0.1:99999/a",
        "rtsp://10.0.0.1/a#main",
        "rtsp://10.0.0.1/a b",
        "rtsp://10.0.0.1/a\x9b31m",
        "rtsp://10.0.0.1/\u202ea",
        "rtsp://-bad-/a",
        "rtsp://[::1/a",
        "rtsp://[10.0.0.1]/a",
        "rtsp://hồ/a",
        "rtsp://a/" + "x" * 500,
    ],
)
def test_what_is_no_rtsp_url_is_refused(given: str) -> None:
    with pytest.raises(Invalid) as refusal:
        stream_url(given)
    assert refusal.value.reason == "STREAM_URL_MALFORMED"


@pytest.mark.parametrize("given", ["rtsp://admin:canary-7@10.0.0.1:bad/a", "rtsp://admin:canary-7#@10.0.0.1/a", "rtsp://admin:canary-7@[::zz]/a", "x://u:canary-7@h/"])
def test_the_refusal_of_a_url_does_not_repeat_its_password(given: str) -> None:
    with pytest.raises(Invalid) as refusal:
        stream_url(given)
    error = refusal.value
    assert "canary" not in f"{error} {error.metadata} {error.__cause__} {error.__context__ if not error.__suppress_context__ else ''}"
