"""Secrets in memory, for tests without a broker."""
from __future__ import annotations

from vonglau.secrets import checked_name


class MemorySecrets:
    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def put(self, name: str, plaintext: bytes) -> None:
        self.kept[checked_name(name)] = plaintext

    async def get(self, name: str) -> bytes | None:
        return self.kept.get(checked_name(name))

    async def purge(self, name: str) -> None:
        self.kept.pop(checked_name(name), None)
