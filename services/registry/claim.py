"""A value that only one live camera may have: a serial number or a stream URL.

Each value is an aggregate of its own, written in the same atomic batch as the camera that takes or leaves it,
so two cameras can never both have it, whoever writes first.
"""
from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from vonglau.errors import AlreadyExists, Conflict
from vonglau.eventlog import AggregateStream, Fold, On, aggregate_stream, on
from vonglau.registry.v1.events_pb2 import CLAIM_KIND_SERIAL_NUMBER, CLAIM_KIND_STREAM_URL, CameraDetails, ClaimKind, ValueClaimed, ValueReleased

Event = ValueClaimed | ValueReleased

TAKEN = {
    CLAIM_KIND_SERIAL_NUMBER: ("SERIAL_NUMBER_TAKEN", "another camera has this serial number"),
    CLAIM_KIND_STREAM_URL: ("STREAM_URL_TAKEN", "another camera has this stream URL"),
}


class Value(NamedTuple):
    """In its normal form, so that equal values are equal text."""

    kind: ClaimKind
    text: str


@dataclass(frozen=True, slots=True)
class Claim:
    value: Value
    holder: str  # the camera; empty: free again


Claims = Mapping[Value, Claim | None]  # as read for one decision


def evolve(claim: Claim | None, event: Event) -> Claim:
    match event:
        case ValueClaimed():
            return Claim(Value(event.kind, event.value), event.camera)
        case ValueReleased():
            return replace(existing(claim), holder="")


CLAIM = Fold(evolve)


def claim_stream(value: Value) -> AggregateStream:
    """Named by a hash, since a URL is no subject and must not show in one."""
    return aggregate_stream("registry", "claim", hashlib.sha256(f"{value.kind}\0{value.text}".encode()).hexdigest()[:32])


def existing(claim: Claim | None) -> Claim:
    assert claim is not None  # noqa: S101 - every history begins with ValueClaimed
    return claim


def unique_values(details: CameraDetails) -> frozenset[Value]:
    """What a camera with these details claims; the details are in normal form."""
    serial = [Value(CLAIM_KIND_SERIAL_NUMBER, details.serial_number)] if details.serial_number else []
    return frozenset([*serial, *(Value(CLAIM_KIND_STREAM_URL, stream.url) for stream in details.streams)])


def exchange(camera: str, before: frozenset[Value], after: frozenset[Value], claims: Claims) -> Iterable[On]:
    """The events by which a camera leaves some values and takes others.

    Raises: AlreadyExists where another camera has one; who that is, is not told. Conflict where a claim was not read.
    """
    for value in sorted(before ^ after):
        claim = read(claims, value)
        if value in before:
            yield on(claim_stream(value), ValueReleased(camera=camera))
        elif claim is None or claim.holder in ("", camera):
            yield on(claim_stream(value), ValueClaimed(kind=value.kind, value=value.text, camera=camera))
        else:
            reason, sentence = TAKEN[value.kind]
            raise AlreadyExists(reason, sentence)


def read(claims: Claims, value: Value) -> Claim | None:
    if value not in claims:
        raise Conflict("LOST_RACE", "the camera changed while this was being decided; decide again")
    return claims[value]
