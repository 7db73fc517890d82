"""An event as it stands in a stream, and the names of streams and headers.

Headers are the CloudEvents 1.0 attributes in NATS binary mode (`ce-…`), W3C trace context, and our own (`vl-…`).
Bodies are protobuf; `ce-type` is the full name of the message.
"""
from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple, Self

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

from vonglau.errors import Invalid, Poison

ID = re.compile(r"[a-z0-9][a-z0-9-]{2,39}")  # fit for subject, bucket and path

TYPE, EVENT_ID, TIME, SOURCE, SUBJECT, SPEC = "ce-type", "ce-id", "ce-time", "ce-source", "ce-subject", "ce-specversion"
ACTOR, CAUSATION, CORRELATION = "vl-actor", "vl-causation", "vl-correlation"
REQUEST, BODY = "vl-request", "vl-body"  # hash of (caller, method, request id); hash of the request's body
POSITION = "vl-position"  # of the event in its aggregate, from 1


def checked_id(kind: str, value: str) -> str:
    """The id itself if it is within the grammar.

    Raises: Invalid (ID_MALFORMED).
    """
    if not ID.fullmatch(value):
        raise Invalid("ID_MALFORMED", f"a {kind} id is 3 to 40 of a-z, 0-9 and '-', not starting with '-': {value[:60]!r}", field=kind)
    return value


class AggregateStream(NamedTuple):
    """The events of one aggregate: a literal subject within a JetStream stream."""

    log: str  # JetStream stream, e.g. es_registry
    subject: str  # es.<context>.<aggregate>.<id>


def aggregate_stream(context: str, aggregate: str, name: str) -> AggregateStream:
    return AggregateStream(f"es_{context}", f"es.{context}.{aggregate}.{checked_id(aggregate, name)}")


class Version(NamedTuple):
    """What a command brought about; written `<stream>:<sequence>`, and the etag of AIP-154."""

    log: str
    sequence: int

    def __str__(self) -> str:
        return f"{self.log}:{self.sequence}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises: Invalid (VERSION_MALFORMED)."""
        log, _, sequence = text.rpartition(":")
        if not log or not sequence.isdecimal():
            raise Invalid("VERSION_MALFORMED", f"a version is <stream>:<sequence>, not {text[:60]!r}")
        return cls(log, int(sequence))


@dataclass(frozen=True, slots=True)
class Recorded:
    """One stored event. Sequences order; times only annotate."""

    log: str
    sequence: int
    subject: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def type(self) -> str:
        return self.headers.get(TYPE, "")

    @property
    def time(self) -> datetime:
        return datetime.fromisoformat(self.headers[TIME]) if TIME in self.headers else datetime.fromtimestamp(0, UTC)

    def message(self) -> Message:
        """The body as its protobuf class; the module that defines it must have been imported.

        Raises: Poison (EVENT_TYPE_UNKNOWN, EVENT_UNDECODABLE).
        """
        try:
            described = descriptor_pool.Default().FindMessageTypeByName(self.type)
        except KeyError:
            raise Poison("EVENT_TYPE_UNKNOWN", f"{self.type!r} on {self.subject} at {self.log}:{self.sequence}") from None
        event = message_factory.GetMessageClass(described)()
        try:
            event.ParseFromString(self.body)
        except DecodeError as error:
            raise Poison("EVENT_UNDECODABLE", f"{self.type} at {self.log}:{self.sequence}: {error}") from error
        return event
