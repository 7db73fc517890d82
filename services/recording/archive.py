"""Archive parts: what outlives the facts, signed, chained, and stored beside the footage that they are about. Pure."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from google.protobuf.message import DecodeError

from services.recording.days import DAY_NS, as_date
from vonglau.errors import Damaged
from vonglau.ingest.v1.events_pb2 import ClockMeasured, InterruptionObserved, SegmentRecorded, StreamChanged
from vonglau.media.segment import day_prefix
from vonglau.recording.v1.archive_pb2 import ArchivePart, Deletion, SignedPart


@dataclass(slots=True)
class DayRecord:
    """Everything known of a camera's day in one owner's bucket; each table by the identity of its facts."""

    segments: dict[tuple[int, int], SegmentRecorded] = field(default_factory=dict)
    interruptions: dict[tuple[int, int], InterruptionObserved] = field(default_factory=dict)
    streams: dict[tuple[int, int], StreamChanged] = field(default_factory=dict)
    clocks: dict[tuple[int, int], ClockMeasured] = field(default_factory=dict)
    deletions: dict[bytes, Deletion] = field(default_factory=dict)

    def add(self, part: ArchivePart) -> None:
        self.segments |= {(each.epoch, each.number): each for each in part.segments}
        self.interruptions |= {(each.epoch, each.begun_ns): each for each in part.interruptions}
        self.streams |= {(each.epoch, each.at_ns): each for each in part.streams}
        self.clocks |= {(each.epoch, each.at_ns): each for each in part.clocks}
        self.deletions |= {each.digest: each for each in part.deletions}

    def beyond(self, archived: DayRecord) -> DayRecord:
        """What the archive does not have yet, or has without its end."""
        ended = {
            name: each for name, each in self.interruptions.items()
            if name not in archived.interruptions or each.ended_ns > archived.interruptions[name].ended_ns
        }
        return DayRecord(
            {name: each for name, each in self.segments.items() if name not in archived.segments},
            ended,
            {name: each for name, each in self.streams.items() if name not in archived.streams},
            {name: each for name, each in self.clocks.items() if name not in archived.clocks},
            {digest: each for digest, each in self.deletions.items() if digest not in archived.deletions},
        )

    @property
    def is_empty(self) -> bool:
        return not (self.segments or self.interruptions or self.streams or self.clocks or self.deletions)


def archive_prefix(camera: str, day: int) -> str:
    return f"{day_prefix(camera, day * DAY_NS)}archive-"


def archive_key(camera: str, day: int, part: int) -> str:
    return f"{archive_prefix(camera, day)}{part}"


def digest_of(objects: Iterable[tuple[str, bytes]]) -> bytes:
    """SHA-256 over the sorted keys, each with its own SHA-256."""
    total = sha256()
    for key, digest in sorted(objects):
        total.update(key.encode() + b"\0" + digest)
    return total.digest()


def next_part(camera: str, owner: str, day: int, chain: Sequence[tuple[ArchivePart, bytes]], news: DayRecord, now_ns: int) -> ArchivePart:
    """chain: the parts there are, each with the SHA-256 of its object."""
    every = {segment.key: segment.sha256 for part, _ in chain for segment in part.segments}
    every |= {segment.key: segment.sha256 for segment in news.segments.values()}
    return ArchivePart(
        camera=camera,
        owner=owner,
        day=as_date(day),
        part=len(chain),
        previous_sha256=chain[-1][1] if chain else b"",
        written_ns=now_ns,
        segments=[news.segments[name] for name in sorted(news.segments)],
        interruptions=[news.interruptions[name] for name in sorted(news.interruptions)],
        streams=[news.streams[name] for name in sorted(news.streams)],
        clocks=[news.clocks[name] for name in sorted(news.clocks)],
        deletions=[news.deletions[digest] for digest in sorted(news.deletions)],
        digest=digest_of(every.items()),
    )


def key_name(key: Ed25519PublicKey) -> str:
    return sha256(key.public_bytes_raw()).hexdigest()[:16]


def signed(part: ArchivePart, key: Ed25519PrivateKey) -> bytes:
    body = part.SerializeToString(deterministic=True)
    return SignedPart(part=body, signature=key.sign(body), key=key_name(key.public_key())).SerializeToString()


def opened(body: bytes, keys: Iterable[Ed25519PublicKey]) -> ArchivePart:
    """The part, once one of the keys proves it.

    Raises: Damaged (ARCHIVE_SIGNATURE_INVALID).
    """
    by_name = {key_name(key): key for key in keys}
    try:
        part = SignedPart.FromString(body)
        by_name[part.key].verify(part.signature, part.part)
        return ArchivePart.FromString(part.part)
    except (DecodeError, KeyError, InvalidSignature) as error:
        raise Damaged("ARCHIVE_SIGNATURE_INVALID", f"the part is not what the deployment's key signed: {type(error).__name__}") from error
