"""What stands beside an event's body: CloudEvents attributes, trace context, who caused it."""
from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from vonglau.clock import Clock, utc
from vonglau.eventlog.decision import Call, Event
from vonglau.eventlog.event import ACTOR, BODY, CAUSATION, CORRELATION, EVENT_ID, POSITION, REQUEST, SOURCE, SPEC, SUBJECT, TIME, TYPE

Inject = Callable[[dict[str, str]], None]  # adds traceparent and the like


def no_trace(_: Mapping[str, str]) -> None:
    """Where nothing is traced."""


class HeaderWriter:
    """Writes the headers of new events. No personal data goes in, but the actor's id."""

    def __init__(self, source: str, clock: Clock, inject: Inject = no_trace) -> None:
        """source: the CloudEvents source, e.g. /vonglau/<tenant>/registry."""
        self._source = source
        self._clock = clock
        self._inject = inject

    def write(self, event: Event, subject: str, call: Call, position: int = 0) -> dict[str, str]:
        """Headers of one event; position is its number in the aggregate, 0 for facts."""
        at_ns = self._clock.now_ns()
        headers = {
            SPEC: "1.0",
            EVENT_ID: uuid7(at_ns),
            SOURCE: self._source,
            TYPE: event.DESCRIPTOR.full_name,
            SUBJECT: subject.rpartition(".")[2],
            TIME: utc(at_ns).isoformat(timespec="microseconds"),
            ACTOR: call.actor,
        }
        optional = {CORRELATION: call.correlation, CAUSATION: call.causation, REQUEST: call.request, BODY: call.request and call.body}
        headers.update({name: value for name, value in optional.items() if value})
        if position:
            headers[POSITION] = str(position)
        self._inject(headers)
        return headers


def uuid7(at_ns: int) -> str:
    """A UUID of version 7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then random bits."""
    value = (at_ns // 1_000_000 & (1 << 48) - 1) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(3 << 62) | 2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
