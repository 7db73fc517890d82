"""Cameras and days of a bucket are found by their prefixes."""
from __future__ import annotations

from typing import Any

from services.recording import bucket_walk

DAY = 20_454  # 2026-01-01


async def put(station: Any, *keys: str, bucket: str = "police-footage") -> None:
    await station.footage.ensure_bucket(bucket)
    for key in keys:
        await station.footage.put_bytes(bucket, key, key.encode(), {})


async def test_owners_are_those_with_a_footage_bucket(station: Any) -> None:
    await put(station, "cam-1/x", bucket="police-footage")
    await put(station, "cam-1/x", bucket="police-evidence")
    await put(station, "cam-1/x", bucket="ward-footage")
    assert await bucket_walk.owners(station.footage) == ["police", "ward"]


async def test_each_camera_is_found_once_however_many_objects_it_has(station: Any) -> None:
    await put(station, *(f"cam-{camera}/2026/01/0{day}/{number}.mp4" for camera in ("1", "10", "2") for day in (1, 2) for number in range(3)))
    assert await bucket_walk.cameras(station.footage, "police") == ["cam-1", "cam-10", "cam-2"]


async def test_days_come_in_order_and_only_of_the_camera(station: Any) -> None:
    await put(station, "cam-1/2026/01/03/a.mp4", "cam-1/2026/01/01/archive-0", "cam-1/2026/01/01/b.mp4", "cam-10/2026/01/02/c.mp4")
    assert await bucket_walk.days(station.footage, "police", "cam-1") == [DAY, DAY + 2]


async def test_what_is_laid_out_otherwise_is_passed_over(station: Any) -> None:
    await put(station, "cam-1/2026/01/01/a.mp4", "cam-1/2026/note.txt", "cam-1/2026/77/01/b.mp4", "cam-1/2027/01/01/c.mp4", "cam-1/readme")
    assert await bucket_walk.days(station.footage, "police", "cam-1") == [DAY, DAY + 365]


async def test_an_absent_bucket_is_empty(station: Any) -> None:
    assert await bucket_walk.cameras(station.footage, "nobody") == []


async def test_what_is_of_no_camera_or_no_day_is_found_and_the_rest_passed_over(station: Any) -> None:
    await put(station, *(f"cam-{camera}/2026/01/0{day}/{number}.mp4" for camera in ("1", "10", "2") for day in (1, 2) for number in range(3)))
    await put(station, "cam-1/2026/note.txt", "cam-1/zzz", "readme")
    found = [key async for key in bucket_walk.strays(station.footage, "police", {"cam-1", "cam-10"})]
    assert found == ["cam-1/2026/note.txt", "cam-1/zzz", *(f"cam-2/2026/01/0{day}/{number}.mp4" for day in (1, 2) for number in range(3)), "readme"]
