"""What is kept beside an object in a folder: its digest, size and metadata as told when it was stored."""
from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import orjson


@dataclass(frozen=True, slots=True)
class Sidecar:
    sha256: bytes
    size: int  # bytes
    metadata: Mapping[str, str]

    def encode(self) -> bytes:
        record = {"sha256": self.sha256.hex(), "size": self.size, "metadata": dict(self.metadata)}
        return orjson.dumps({"record": record, "check": _check(record)}, option=orjson.OPT_SORT_KEYS)

    @classmethod
    def decode(cls, body: bytes) -> Sidecar | None:
        """None: it is damaged, were it by one bit."""
        try:
            whole = orjson.loads(body)
            record = whole["record"]
            if whole["check"] != _check(record):
                return None
            return cls(bytes.fromhex(record["sha256"]), record["size"], record["metadata"])
        except (ValueError, KeyError, TypeError):
            return None


def _check(record: object) -> str:
    return hashlib.sha256(orjson.dumps(record, option=orjson.OPT_SORT_KEYS)).hexdigest()
