"""Where credentials lie. They are neither events nor views, appear in no log line, and are backed up apart."""
from __future__ import annotations

import re
from typing import Protocol

from vonglau.errors import Invalid

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9=_-]*(\.[A-Za-z0-9=_-]+)*")
_NAME_LENGTH = 200


class Secrets(Protocol):
    """Every method raises `Unavailable` while the store is away, `Invalid` (SECRET_NAME_MALFORMED) for a name outside the grammar."""

    async def put(self, name: str, plaintext: bytes) -> None:
        """Keep it under a reference such as `camera.cam-1.4f2a`, in place of what was there."""

    async def get(self, name: str) -> bytes | None:
        """None: there is none, or it was purged. Raises: Damaged (SECRET_DAMAGED, SECRETS_KEY_WRONG)."""

    async def purge(self, name: str) -> None:
        """Remove it for good; no older value stays behind."""


def checked_name(name: str) -> str:
    if len(name) > _NAME_LENGTH or not _NAME.fullmatch(name):
        raise Invalid("SECRET_NAME_MALFORMED", f"a secret's name is parts of letters, digits and =_- divided by dots: {name[:60]!r}", field="name")
    return name
