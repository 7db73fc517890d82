"""Which cameras and days a bucket holds, and what is neither, found level by level: the time is that of the levels, however many objects there are."""
from __future__ import annotations

from collections.abc import AsyncIterator, Collection

from services.recording.days import DAY_NS, day_of_path
from vonglau.footage import Footage, footage_bucket
from vonglau.media.segment import day_prefix

BUCKETS = footage_bucket("")
DAY_LEVEL = 4  # <camera>/<yyyy>/<mm>/<dd>/


async def owners(footage: Footage) -> list[str]:
    return [bucket.removesuffix(BUCKETS) for bucket in await footage.buckets() if bucket.endswith(BUCKETS)]


async def cameras(footage: Footage, owner: str) -> list[str]:
    return [each.removesuffix("/") for each in await level(footage, owner, "") if is_folder(each)]


async def days(footage: Footage, owner: str, camera: str) -> list[int]:
    """In order; what is laid out otherwise is passed over."""
    folders = [f"{camera}/"]
    for _ in range(1, DAY_LEVEL):
        folders = [below for folder in folders for below in await level(footage, owner, folder) if is_folder(below)]
    return [day for folder in folders if (day := day_of(folder)) is not None]


async def strays(footage: Footage, owner: str, cameras: Collection[str], folder: str = "") -> AsyncIterator[str]:
    """Keys of none of these cameras, or of no day of theirs, in order."""
    for each in await level(footage, owner, folder):
        if not is_folder(each):
            yield each
        elif each.count("/") < DAY_LEVEL and each.partition("/")[0] in cameras:
            async for key in strays(footage, owner, cameras, each):
                yield key
        elif day_of(each) is None:
            async for info in footage.list(footage_bucket(owner), each):
                yield info.key


async def level(footage: Footage, owner: str, folder: str) -> list[str]:
    return sorted([each async for each in footage.children(footage_bucket(owner), folder)])


def is_folder(name: str) -> bool:
    return name.endswith("/")


def day_of(folder: str) -> int | None:
    """None: it is not a day's folder."""
    day, camera = day_of_path(folder), folder.partition("/")[0]
    return day if day is not None and day_prefix(camera, day * DAY_NS) == folder else None
