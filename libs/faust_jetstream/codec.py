"""Faust messages as NATS messages: the value is the body, everything else is in headers.

NATS header values are single text lines, so keys and headers that are not plain text travel in base64.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

KEY, KEY_B64, NULL, TIME, PACKED = "Faust-Key", "Faust-Key-B64", "Faust-Null", "Faust-Time", "Faust-Headers"
MSG_ID, TTL, EXPECTED = "Nats-Msg-Id", "Nats-TTL", "Nats-Expected-Last-Subject-Sequence"
_RESERVED = ("nats-", "faust-", "status", "description")
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")

Headers = list[tuple[str, bytes]]


class Decoded(NamedTuple):
    """``value`` is None for a tombstone; ``timestamp`` is None when the sender gave none."""

    key: bytes | None
    value: bytes | None
    timestamp: float | None
    headers: Headers


def encode(key: bytes | None, value: bytes | None, timestamp: float | None, headers: Any) -> dict[str, str]:
    """NATS headers of a message; ``headers`` is what Faust accepts: a mapping, pairs, or None."""
    out: dict[str, str] = {}
    if key is not None:
        text = plain(key)
        if text is None:
            out[KEY_B64] = base64.b64encode(key).decode()
        else:
            out[KEY] = text
    if value is None:
        out[NULL] = "1"
    if timestamp:
        out[TIME] = repr(timestamp)
    if headers:
        _encode_headers(out, headers.items() if isinstance(headers, Mapping) else headers)
    return out


def _encode_headers(out: dict[str, str], pairs: Iterable[tuple[str, Any]]) -> None:
    packed = []
    for name, raw in pairs:
        data = raw.encode() if isinstance(raw, str) else bytes(raw or b"")
        text = plain(data)
        if text is None or name in out or not _NAME.match(name) or name.lower().startswith(_RESERVED):
            packed.append([name, base64.b64encode(data).decode()])
        else:
            out[name] = text
    if packed:
        out[PACKED] = json.dumps(packed)


def plain(data: bytes) -> str | None:
    """``data`` as a header value, or None if it would not come back as the same bytes."""
    if not data.isascii():
        return None
    text = data.decode("ascii")
    return text if text.isprintable() and text == text.strip() and text else None


def decode(raw: Mapping[str, str] | None, body: bytes) -> Decoded:
    """What a NATS message says, also one that no Faust app wrote; raises ValueError if its own headers are damaged."""
    if not raw:
        return Decoded(None, body, None, [])
    key: bytes | None = None
    value: bytes | None = body
    timestamp: float | None = None
    headers: Headers = []
    for name, text in raw.items():
        if name == KEY:
            key = text.encode()
        elif name == MSG_ID:
            continue
        elif name == KEY_B64:
            key = _b64(text)
        elif name == NULL:
            value = None
        elif name == TIME:
            timestamp = float(text)
        elif name == PACKED:
            headers.extend((str(pair[0]), _b64(pair[1])) for pair in json.loads(text))
        elif not name.lower().startswith(_RESERVED):
            headers.append((name, text.encode()))
    return Decoded(key, value, timestamp, headers)


def _b64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as exc:
        raise ValueError(f"not base64: {text[:40]!r}") from exc
