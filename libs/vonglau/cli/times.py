"""Instants as people write and read them: RFC 3339 or relative to now in, Hà Nội's time out. Inside everything is UTC."""
from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from google.protobuf.timestamp_pb2 import Timestamp

from vonglau.cli.misspelt import Misspelt

HANOI = timezone(timedelta(hours=7))  # no daylight saving since 1975
RELATIVE = re.compile(r"([+-]?)(\d+(?:\.\d+)?)(ms|s|m|h|d)")
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def instant(text: str, now: datetime, *, name: str) -> datetime:
    """`2026-11-21T08:00:00+07:00`, `…Z`, `now`, or relative: `-10m`, `-1.5h`, `-2d`. A time without a zone is refused.

    Raises: Misspelt (TIME_MALFORMED, TIME_WITHOUT_ZONE).
    """
    try:
        if relative := RELATIVE.fullmatch(text.strip()):
            return now + relation(*relative.groups())
        at = now if text == "now" else datetime.fromisoformat(text)
        at = at if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Misspelt("TIME_MALFORMED", f"{text!r} is no time; write 2026-11-21T08:00:00+07:00, or relative like -10m", field=name) from None
    if at.tzinfo is None:
        raise Misspelt("TIME_WITHOUT_ZONE", f"{text!r} names no zone; write {text}+07:00 for Hà Nội or {text}Z for UTC", field=name)
    return at


def relation(sign: str, number: str, unit: str) -> timedelta:
    """Without a sign it is before now. Raises: OverflowError."""
    seconds = float(number) * UNITS[unit]
    return timedelta(seconds=seconds if sign == "+" else -seconds)


def timestamp(at: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp


def shown(stamp: Timestamp | datetime, *, date: bool = True) -> str:
    """In Hà Nội's time, to the millisecond."""
    at = stamp if isinstance(stamp, datetime) else stamp.ToDatetime(UTC)
    local = at.astimezone(HANOI)
    return (f"{local:%Y-%m-%d }" if date else "") + f"{local:%H:%M:%S}.{local.microsecond // 1000:03}"


def rfc3339(stamp: Timestamp | datetime) -> str:
    """In UTC, for machines."""
    at = stamp if isinstance(stamp, datetime) else stamp.ToDatetime(UTC)
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def duration(seconds: float) -> str:
    """`3 d 04:05:06`, `04:05:06`, `2.5 s`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    days, rest = divmod(round(seconds), 86400)
    clock = f"{rest // 3600:02}:{rest % 3600 // 60:02}:{rest % 60:02}"
    return f"{days} d {clock}" if days else clock


def size(count: float) -> str:
    """Bytes in the unit that leaves one to three digits before the point (powers of 1,000)."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
