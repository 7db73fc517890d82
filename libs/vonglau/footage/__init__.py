"""The port to the footage store and its folder adapter."""
from vonglau.footage.keys import ArchiveKey, SegmentKey, day_prefix, footage_bucket, parse_key
from vonglau.footage.port import CHUNK_BYTES, Footage, ObjectInfo, Put, checked_bucket, checked_key

__all__ = [
    "CHUNK_BYTES",
    "ArchiveKey",
    "Footage",
    "ObjectInfo",
    "Put",
    "SegmentKey",
    "checked_bucket",
    "checked_key",
    "day_prefix",
    "footage_bucket",
    "parse_key",
]
