"""Cameras hash to the slots of their pool; slots, not cameras, are claimed. Pure."""
from __future__ import annotations

from functools import lru_cache

SLOTS = 4096  # of one pool
OFFSET_BASIS, PRIME, MASK = 0x811C9DC5, 0x01000193, 0xFFFFFFFF


def fnv1a(text: str) -> int:
    """FNV-1a, 32 bits (draft-eastlake-fnv), over UTF-8: the same as the log server's `partition()`."""
    value = OFFSET_BASIS
    for byte in text.encode():
        value = (value ^ byte) * PRIME & MASK
    return value


@lru_cache(maxsize=1 << 17)  # a city's cameras, each asked for whenever a table changes
def slot_of(camera: str) -> int:
    return fnv1a(camera) % SLOTS
