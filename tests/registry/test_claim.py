from __future__ import annotations

import pytest

from services.registry.claim import Claim, Value, claim_stream, evolve, exchange, unique_values
from vonglau.errors import AlreadyExists, Conflict
from vonglau.eventlog import on
from vonglau.registry.v1.events_pb2 import (
    CLAIM_KIND_SERIAL_NUMBER,
    CLAIM_KIND_STREAM_URL,
    STREAM_KIND_MAIN,
    STREAM_KIND_SUB,
    CameraDetails,
    StreamProfile,
    ValueClaimed,
    ValueReleased,
)

SERIAL = Value(CLAIM_KIND_SERIAL_NUMBER, "SN-1")
URL = Value(CLAIM_KIND_STREAM_URL, "rtsp://h/a")
NOTHING: frozenset[Value] = frozenset()


def test_a_camera_claims_its_serial_number_and_the_urls_of_its_streams() -> None:
    streams = [StreamProfile(kind=STREAM_KIND_MAIN, url="rtsp://h/a"), StreamProfile(kind=STREAM_KIND_SUB, url="rtsp://h/b")]
    assert unique_values(CameraDetails(serial_number="SN-1", streams=streams)) == {SERIAL, URL, Value(CLAIM_KIND_STREAM_URL, "rtsp://h/b")}


def test_a_camera_without_a_serial_number_claims_none() -> None:
    assert unique_values(CameraDetails()) == NOTHING


def test_a_free_value_is_taken() -> None:
    (event,) = exchange("cam-1", NOTHING, frozenset({SERIAL}), {SERIAL: None})
    assert event == on(claim_stream(SERIAL), ValueClaimed(kind=CLAIM_KIND_SERIAL_NUMBER, value="SN-1", camera="cam-1"))


def test_a_value_that_another_camera_holds_is_refused_without_naming_it() -> None:
    with pytest.raises(AlreadyExists) as refusal:
        list(exchange("cam-1", NOTHING, frozenset({URL}), {URL: Claim(URL, "cam-of-another-owner")}))
    assert refusal.value.reason == "STREAM_URL_TAKEN"
    assert "cam-of-another-owner" not in f"{refusal.value} {refusal.value.metadata}"


def test_a_released_value_can_be_taken_again() -> None:
    held = evolve(None, ValueClaimed(kind=CLAIM_KIND_STREAM_URL, value="rtsp://h/a", camera="cam-1"))
    assert held == Claim(URL, "cam-1")
    free = evolve(held, ValueReleased(camera="cam-1"))
    assert [event.event for event in exchange("cam-2", NOTHING, frozenset({URL}), {URL: free})] == [
        ValueClaimed(kind=CLAIM_KIND_STREAM_URL, value="rtsp://h/a", camera="cam-2")
    ]


def test_only_what_differs_is_released_and_taken() -> None:
    events = list(exchange("cam-1", frozenset({SERIAL, URL}), frozenset({SERIAL}), {URL: Claim(URL, "cam-1")}))
    assert events == [on(claim_stream(URL), ValueReleased(camera="cam-1"))]


def test_a_claim_that_was_not_read_is_never_written() -> None:
    with pytest.raises(Conflict):
        list(exchange("cam-1", frozenset({URL}), NOTHING, {}))


def test_kinds_do_not_share_a_claim_and_no_value_shows_in_a_subject() -> None:
    assert claim_stream(Value(CLAIM_KIND_SERIAL_NUMBER, "rtsp://h/a")) != claim_stream(URL)
    assert "rtsp" not in claim_stream(URL).subject
