"""Which partition a key belongs to: the same answer as the server's ``partition()`` transform."""

from functools import lru_cache
from random import randrange

_OFFSET, _PRIME, _MASK = 0x811C9DC5, 0x01000193, 0xFFFFFFFF


def fnv1a(data: bytes) -> int:
    """FNV-1a, 32 bits (draft-eastlake-fnv); nats-server hashes subject tokens with it."""
    value = _OFFSET
    for byte in data:
        value = ((value ^ byte) * _PRIME) & _MASK
    return value


@lru_cache(maxsize=65536)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition of ``key`` among ``partitions``."""
    return fnv1a(key) % partitions


def any_partition(partitions: int) -> int:
    """A partition for a message without a key."""
    return randrange(partitions)  # noqa: S311  spreads load, guards nothing
