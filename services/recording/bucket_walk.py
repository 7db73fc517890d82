"""Which cameras and days a bucket holds, found by their prefixes: two requests each, however many objects there are; and what is neither."""
from __future__ import annotations

from collections.abc import AsyncIterator, Collection

from services.recording.days import DAY_NS, day_of_path
from vonglau.footage import Footage, footage_bucket
from vonglau.media.segment import day_prefix

BUCKETS = footage_bucket("")
BEHIND = "~"  # sorts after everything that a key may contain


async def owners(footage: Footage) -> list[str]:
    return [bucket.removesuffix(BUCKETS) for bucket in await footage.buckets() if bucket.endswith(BUCKETS)]


async def cameras(footage: Footage, owner: str) -> AsyncIterator[str]:
    after = ""
    while key := await first_key(footage, owner, "", after):
        camera = key.partition("/")[0]
        yield camera
        after = f"{camera}/{BEHIND}"


async def days(footage: Footage, owner: str, camera: str) -> AsyncIterator[int]:
    """In order; keys outside the layout are passed over."""
    after = ""
    while key := await first_key(footage, owner, f"{camera}/", after):
        day = day_of_path(key)
        if day is None:
            after = key
            continue
        yield day
        after = day_prefix(camera, day * DAY_NS) + BEHIND


async def strays(footage: Footage, owner: str, cameras: Collection[str]) -> AsyncIterator[str]:
    """Keys of none of these cameras, or of no day of theirs. A request for each of them and for each camera's day."""
    after = ""
    while key := await first_key(footage, owner, "", after):
        camera = key.partition("/")[0]
        day = day_of_path(key) if camera in cameras else None
        if day is None:
            yield key
        after = key if day is None else day_prefix(camera, day * DAY_NS) + BEHIND


async def first_key(footage: Footage, owner: str, prefix: str, after: str) -> str:
    """"" where there is none."""
    listing = footage.list(footage_bucket(owner), prefix, after)
    try:
        async for each in listing:
            return each.key
    finally:
        await listing.aclose()
    return ""
