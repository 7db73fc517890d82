"""Cameras' clocks and the limit within which they must be right. Pure."""
from __future__ import annotations

from collections.abc import Iterable

SECOND_NS = 1_000_000_000


def is_beyond(offset_ns: int | None, limit_ns: int) -> bool:
    """offset_ns: the camera's clock minus ours; None: it tells no time."""
    return offset_ns is not None and abs(offset_ns) > limit_ns


def beyond(offsets_ns: Iterable[int | None], limit_ns: int) -> int:
    """How many are further off."""
    return sum(is_beyond(offset_ns, limit_ns) for offset_ns in offsets_ns)


def described(offset_ns: int) -> str:
    return f"its clock is {abs(offset_ns) / SECOND_NS:.1f} s {'ahead' if offset_ns > 0 else 'behind'}"
