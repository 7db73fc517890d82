"""Archive parts: part 0 when the day is complete, later ones for what came after, chained and signed, in the bucket of whoever owned the camera."""
from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.recording.archive import digest_of, opened, signed
from vonglau.errors import Damaged
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_REFUSED, ClockMeasured, InterruptionObserved, StreamChanged
from vonglau.recording.v1.archive_pb2 import ArchivePart

BEGIN = 1_767_225_600_000_000_000
SECOND = 1_000_000_000
DAY_S = 86_400
DAY = BEGIN // SECOND // DAY_S


async def archives(station: Any, owner: str = "police") -> list[str]:
    return [key for key in await station.keys(owner) if "archive" in key]


async def test_a_day_is_archived_when_it_is_complete(station: Any) -> None:
    await station.record(0, 0)
    await station.settle()
    station.clock.advance(DAY_S + 3599)
    await station.archiving.run()
    assert await archives(station) == []
    station.clock.advance(1)
    await station.archiving.run()
    assert await archives(station) == ["cam-1/2026/01/01/archive-0"]


async def test_a_part_holds_segments_causes_clocks_and_the_digest(station: Any) -> None:
    fact = await station.record(0, 0, clock_known=True, clock_offset_ns=5, recovered=True)
    told = InterruptionObserved(camera="cam-1", owner="police", epoch=2, cause=GAP_CAUSE_REFUSED, begun_ns=BEGIN + 60 * SECOND, closes_epoch=1, detail="no")
    stream = StreamChanged(camera="cam-1", owner="police", epoch=1, at_ns=BEGIN, codec="avc1.4d401f", width_px=640, height_px=360)
    clock = ClockMeasured(camera="cam-1", owner="police", epoch=1, at_ns=BEGIN, offset_ns=5, beyond_limit=True)
    station.tell(told, stream, clock)
    await station.settle()
    station.clock.advance(DAY_S + 3600)
    await station.archiving.run()
    ((part, _),) = await station.archive.chain("cam-1", "police", DAY)
    assert (list(part.segments), list(part.interruptions), list(part.streams), list(part.clocks)) == ([fact], [told], [stream], [clock])
    assert part.digest == digest_of([(fact.key, fact.sha256)])
    assert (part.part, part.previous_sha256) == (0, b"")


async def test_nothing_new_writes_no_part_and_late_segments_write_one_that_names_the_part_before(station: Any) -> None:
    await station.record(0, 0)
    await station.settle()
    station.clock.advance(DAY_S + 3600)
    await station.archiving.run()
    await station.archiving.run()
    assert len(await archives(station)) == 1
    late = await station.record(1, 60)
    await station.settle()
    await station.archiving.run()
    (_, first), (part, _) = await station.archive.chain("cam-1", "police", DAY)
    assert (part.previous_sha256, [each.key for each in part.segments]) == (first, [late.key])


async def test_a_segment_that_comes_after_the_window_is_archived_all_the_same(station: Any) -> None:
    await station.record(0, 0)
    await station.settle()
    station.clock.advance(DAY_S + 3600)
    await station.archiving.run()
    station.clock.advance(20 * DAY_S)
    await station.record(1, 60)
    await station.settle()
    await station.archiving.run()
    assert len(await archives(station)) == 2


async def test_an_interruption_whose_end_comes_later_is_archived_again_with_it(station: Any) -> None:
    begun = InterruptionObserved(camera="cam-1", owner="police", epoch=1, cause=GAP_CAUSE_REFUSED, begun_ns=BEGIN + 60 * SECOND)
    station.tell(begun)
    await station.settle()
    station.clock.advance(DAY_S + 3600)
    await station.archiving.run()
    begun.ended_ns = BEGIN + (DAY_S + 5) * SECOND
    station.tell(begun)
    await station.settle()
    await station.archiving.run()
    assert [part.interruptions[0].ended_ns for part, _ in await station.archive.chain("cam-1", "police", DAY)] == [0, begun.ended_ns]


async def test_a_day_on_which_a_camera_changed_hands_has_an_archive_in_each_bucket(station: Any) -> None:
    await station.record(0, 0)
    await station.record(1, 60, owner="ward")
    await station.settle()
    station.clock.advance(DAY_S + 3600)
    await station.archiving.run()
    assert await archives(station, "police") == await archives(station, "ward") == ["cam-1/2026/01/01/archive-0"]
    ((part, _),) = await station.archive.chain("cam-1", "ward", DAY)
    assert [each.owner for each in part.segments] == ["ward"]


def test_a_changed_part_and_a_foreign_key_are_refused() -> None:
    key, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    body = signed(ArchivePart(camera="cam-1", part=3), key)
    assert opened(body, [other.public_key(), key.public_key()]).part == 3
    for wrong, keys in ((body, [other]), (body.replace(b"cam-1", b"cam-2"), [key]), (body[:-9], [key]), (b"", [key])):
        with pytest.raises(Damaged):
            opened(wrong, [each.public_key() for each in keys])
