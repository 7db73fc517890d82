import pytest
from hypothesis import given
from hypothesis import strategies as st

from faust_jetstream.codec import Decoded, decode, encode

names = st.text(min_size=1, max_size=20)
header_lists = st.lists(st.tuples(names, st.binary(max_size=40)), max_size=5)


def travel(key: bytes | None, value: bytes | None, timestamp: float | None, headers: object) -> Decoded:
    raw = encode(key, value, timestamp, headers)
    assert all("\n" not in text and "\r" not in text and text == text.strip() for text in raw.values())
    return decode(raw, value or b"")


@given(st.none() | st.binary(max_size=80), st.none() | st.binary(max_size=80), header_lists)
def test_every_message_arrives_as_it_was_sent(key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]) -> None:
    arrived = travel(key, value, 12.5, headers)
    assert (arrived.key, arrived.value, arrived.timestamp) == (key, value, 12.5)
    assert sorted(arrived.headers) == sorted(headers)


def test_plain_keys_and_headers_can_be_read_by_other_programs() -> None:
    assert encode(b"camera-7", b"", None, {"traceparent": "00-ab-cd-01"}) == {"Faust-Key": "camera-7", "traceparent": "00-ab-cd-01"}


def test_a_header_that_would_command_the_server_is_packed_away() -> None:
    raw = encode(None, b"", None, [("Nats-Rollup", b"all"), ("Nats-TTL", b"1s")])
    assert set(raw) == {"Faust-Headers"}
    assert decode(raw, b"").headers == [("Nats-Rollup", b"all"), ("Nats-TTL", b"1s")]


def test_a_message_that_no_faust_app_wrote_is_just_its_body() -> None:
    assert decode(None, b"plain") == Decoded(None, b"plain", None, [])


def test_headers_of_other_programs_are_kept_and_the_servers_own_are_not() -> None:
    assert decode({"ce-id": "7", "Nats-Msg-Id": "x"}, b"").headers == [("ce-id", b"7")]


@pytest.mark.parametrize("raw", [{"Faust-Key-B64": "%%%"}, {"Faust-Time": "noon"}, {"Faust-Headers": "{"}])
def test_damaged_headers_are_told_from_missing_ones(raw: dict[str, str]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the caller reports the text as it is
        decode(raw, b"")
