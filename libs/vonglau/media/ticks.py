"""UTC as media time: nanoseconds since 1970 on one side, ticks of a track's rate (video: 90 kHz) on the other. Both directions round down."""

VIDEO_RATE = 90_000
SECOND_NS = 1_000_000_000


def to_ticks(ns: int, rate: int = VIDEO_RATE) -> int:
    return ns * rate // SECOND_NS


def to_ns(ticks: int, rate: int = VIDEO_RATE) -> int:
    return ticks * SECOND_NS // rate
