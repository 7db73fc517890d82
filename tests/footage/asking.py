"""What tests ask of a footage store."""
from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from vonglau.errors import Unavailable
from vonglau.footage import Footage


async def denied(doing: Awaitable[Any]) -> bool:
    """Whether the store says that this credential may not."""
    try:
        await doing
    except Unavailable as refused:
        return refused.reason == "STORAGE_DENIED"
    return False


async def listed(store: Footage, bucket: str) -> list[str]:
    return [info.key async for info in store.list(bucket)]


async def whole(store: Footage, bucket: str, key: str) -> bytes:
    return b"".join([chunk async for chunk in store.read(bucket, key)])
