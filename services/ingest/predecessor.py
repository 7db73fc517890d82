"""What was recorded of a camera before this process began with it: from what the spool still holds and from the newest fact."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nats.errors import Error
from nats.js.errors import NotFoundError

from services.ingest.segment import ClosedSegment
from services.ingest.slots import fnv1a
from vonglau.broker import Broker
from vonglau.broker.topology import FACT_INGEST, FACT_PARTITIONS
from vonglau.errors import Unavailable
from vonglau.ingest.v1.events_pb2 import SegmentRecorded


@dataclass(frozen=True, slots=True)
class Predecessor:
    """The newest segment that is known of the camera."""

    end_ns: int
    sha256: str  # hex
    closes_epoch: int = 0  # this epoch has nothing left that is not in the store, and nobody has said so yet; 0: nothing to say


async def newest_fact(broker: Broker, camera: str) -> SegmentRecorded | None:
    """The newest segment fact of the camera. Raises: Unavailable."""
    subject = f"fact.segment.{fnv1a(camera) % FACT_PARTITIONS}.{camera}"
    try:
        message = await broker.js.get_last_msg(FACT_INGEST, subject)
    except NotFoundError:
        return None
    except (Error, TimeoutError) as error:
        raise Unavailable("LOG_UNAVAILABLE", f"the event log does not answer: {type(error).__name__}") from error
    fact = SegmentRecorded()
    fact.ParseFromString(message.data or b"")
    return fact


def predecessor(fact: SegmentRecorded | None, spooled: Iterable[ClosedSegment]) -> Predecessor | None:
    """None: the camera was never recorded. spooled: this camera's segments in this process's spool. Pure."""
    ends = [(segment.end_ns, segment.sha256) for segment in spooled]
    if fact is not None:
        ends.append((fact.end_ns, fact.sha256.hex()))
    if not ends:
        return None
    end_ns, sha256 = max(ends)
    silent = fact is not None and not fact.last_of_epoch and len(ends) == 1
    return Predecessor(end_ns, sha256, closes_epoch=fact.epoch if fact is not None and silent else 0)
