from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """Why a stretch of time is not recorded, as far as the data plane can tell; the names are those of `GapCause`."""

    SOURCE_SILENT = "source_silent"
    TRANSPORT_LOST = "transport_lost"
    REFUSED = "refused"
    UNAUTHORISED = "unauthorised"
    DAMAGED_STREAM = "damaged_stream"
    WRITER_FAILED = "writer_failed"
    SPOOL_FULL = "spool_full"
    SUSPENDED = "suspended"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class InterruptionBegun:
    camera: str
    cause: Cause
    at_ns: int                                               # UTC: end of the last recorded sample
    detail: str = ""                                         # for people; no credentials, no addresses


@dataclass(frozen=True, slots=True)
class InterruptionEnded:
    camera: str
    cause: Cause
    begun_ns: int
    at_ns: int                                               # UTC: start of the first sample recorded again, or when another cause took over


Interruption = InterruptionBegun | InterruptionEnded
