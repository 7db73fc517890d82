"""Verify names what is wrong, and nothing else."""
from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.recording.archive import signed
from services.recording.verify import Verifier
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_SPOOL_FULL, GAP_CAUSE_SPOOL_LOST, InterruptionObserved

BEGIN = 1_767_225_600_000_000_000
SECOND = 1_000_000_000
DAY_S = 86_400


async def findings(station: Any, verifier: Verifier | None = None) -> list[tuple[str, str]]:
    found = []
    async for response in (verifier or station.verifier).verify(["cam-1"], 0, station.clock.now_ns() + SECOND):
        if response.HasField("finding"):
            found.append((response.finding.reason, response.finding.key))
        if response.HasField("summary"):
            assert response.summary.findings == len(found)
    return found


@pytest.fixture
async def kept(station: Any) -> Any:
    """Two archived days of three segments each."""
    station.register()
    for day in range(2):
        for number in range(3):
            await station.record(day * 3 + number, day * DAY_S + number * 60)
    station.clock.advance(2 * DAY_S + 7200)
    await station.settle()
    await station.archiving.run()
    return station


def path_of(station: Any, number: int) -> Path:
    (path,) = [each for each in Path(station.folder).rglob(f"*-1-{number}.mp4") if each.is_file()]
    return path


async def test_what_is_whole_has_no_findings_and_is_counted(kept: Any) -> None:
    summary = [each async for each in kept.verifier.verify(["cam-1"], 0, kept.clock.now_ns())][-1].summary
    assert (summary.objects_checked, summary.archives_checked, summary.findings, summary.cameras) == (6, 2, 0, 1)
    assert summary.bytes_checked == sum(path_of(kept, number).stat().st_size for number in range(6))


async def test_one_flipped_byte_is_named(kept: Any) -> None:
    path = path_of(kept, 1)
    body = bytearray(path.read_bytes())
    body[17] ^= 1
    path.chmod(0o644)
    path.write_bytes(body)
    assert [(reason, Path(key).name) for reason, key in await findings(kept)] == [("DIGEST_MISMATCH", path.name)]


async def test_a_removed_object_is_named(kept: Any) -> None:
    name = path_of(kept, 4).name
    await kept.footage.delete("police-footage", [key for key in await kept.keys() if key.endswith(name)])
    assert [(reason, Path(key).name) for reason, key in await findings(kept)] == [("OBJECT_MISSING", name)]


async def test_an_object_that_no_fact_tells_of_is_named(kept: Any) -> None:
    fact = await kept.record(9, 700, tell=False)
    assert await findings(kept) == [("OBJECT_UNKNOWN", fact.key)]


async def test_an_object_that_was_stored_while_verify_ran_is_none_that_nobody_knows(kept: Any) -> None:
    verifying = kept.verifier.verify(["cam-1"], 0, kept.clock.now_ns() + DAY_S * SECOND)
    await anext(verifying)
    await kept.record(6, 2 * DAY_S + 7200)
    await kept.settle()
    assert [each.finding.key async for each in verifying if each.HasField("finding")] == []


async def test_an_object_whose_fact_is_on_its_way_is_told_of_once_the_fact_is_late(kept: Any) -> None:
    fact = await kept.record(6, 2 * DAY_S + 7200 - 65, tell=False)
    assert await findings(kept) == []
    kept.clock.advance(900)
    assert await findings(kept) == [("OBJECT_UNKNOWN", fact.key)]


async def test_an_object_of_the_future_is_named_at_once(kept: Any) -> None:
    fact = await kept.record(6, 2 * DAY_S + 7300, tell=False)
    assert await findings(kept) == [("OBJECT_UNKNOWN", fact.key)]


async def test_a_segment_that_does_not_name_the_one_before_it_breaks_the_chain(station: Any) -> None:
    await station.record(0, 0)
    station.digests["cam-1", 1, 0] = b"x" * 32
    fact = await station.record(1, 60)
    await station.settle()
    assert await findings(station) == [("CHAIN_BROKEN", fact.key)]


async def test_a_segment_that_nobody_knows_and_no_rule_deleted_breaks_the_chain(station: Any) -> None:
    await station.record(0, 0)
    fact = await station.record(2, 120)
    await station.settle()
    assert await findings(station) == [("CHAIN_BROKEN", fact.key)]


@pytest.mark.parametrize("cause", [GAP_CAUSE_SPOOL_FULL, GAP_CAUSE_SPOOL_LOST])
@pytest.mark.parametrize("following", [(2, 120.0, 1), (0, 130.0, 2)], ids=["in its epoch", "in the next"])
async def test_a_segment_that_was_given_up_and_told_breaks_no_chain(station: Any, cause: Any, following: tuple[int, float, int]) -> None:
    await station.record(0, 0)
    told = InterruptionObserved(camera="cam-1", owner="police", epoch=1, cause=cause, begun_ns=BEGIN + 60 * SECOND, ended_ns=BEGIN + 120 * SECOND)
    station.tell(told)
    number, start, epoch = following
    await station.record(number, start, epoch=epoch, previous_sha256=b"y" * 32)
    await station.settle()
    assert await findings(station) == []
    broken = await station.record(0, 300.0, epoch=3, previous_sha256=b"z" * 32)
    await station.settle()
    assert await findings(station) == [("CHAIN_BROKEN", broken.key)]


async def test_the_first_segment_of_an_epoch_names_any_that_an_earlier_epoch_has(station: Any) -> None:
    """The epoch before went on for a segment that the next writer did not know of."""
    known = await station.record(0, 0)
    await station.record(1, 60)
    await station.record(0, 90, epoch=2, previous_sha256=known.sha256)
    await station.settle()
    assert await findings(station) == []


@pytest.mark.parametrize("stranger", ["nobody's", "a later epoch's", "its own"])
async def test_the_first_segment_of_an_epoch_that_names_another_breaks_the_chain(station: Any, stranger: str) -> None:
    await station.record(0, 0)
    later = await station.record(0, 120, epoch=3)
    own = sha256(b"cam-1 2 0" * 20).digest()
    named = {"nobody's": b"x" * 32, "a later epoch's": later.sha256, "its own": own}[stranger]
    fact = await station.record(0, 60, epoch=2, previous_sha256=named)
    assert fact.sha256 == own
    await station.settle()
    assert await findings(station) == [("CHAIN_BROKEN", fact.key)]


async def test_what_the_first_segment_names_may_be_older_than_what_is_verified(kept: Any) -> None:
    """Of the first day, across an hour without footage."""
    named = sha256(path_of(kept, 1).read_bytes()).digest()
    await kept.record(0, 2 * DAY_S + 60, epoch=2, previous_sha256=named)
    broken = await kept.record(0, 2 * DAY_S + 120, epoch=3, previous_sha256=b"x" * 32)
    await kept.settle()
    verifying = kept.verifier.verify(["cam-1"], BEGIN + 2 * DAY_S * SECOND, BEGIN + 3 * DAY_S * SECOND)
    assert [(each.finding.reason, each.finding.key) async for each in verifying if each.HasField("finding")] == [("CHAIN_BROKEN", broken.key)]


async def test_what_the_first_segment_names_may_be_deleted_and_still_stands_in_the_archive(kept: Any) -> None:
    named = sha256(path_of(kept, 2).read_bytes()).digest()
    kept.clock.advance(29 * DAY_S)
    assert await kept.retaining().run() == 1
    await kept.record(0, 31 * DAY_S, epoch=2, previous_sha256=named)
    broken = await kept.record(0, 31 * DAY_S + 60, epoch=3, previous_sha256=b"x" * 32)
    await kept.settle()
    assert await findings(kept) == [("CHAIN_BROKEN", broken.key)]


async def test_an_archive_that_another_key_signed_vouches_for_no_link(kept: Any) -> None:
    named = sha256(path_of(kept, 2).read_bytes()).digest()
    kept.clock.advance(29 * DAY_S)
    assert await kept.retaining().run() == 1
    broken = await kept.record(0, 31 * DAY_S, epoch=2, previous_sha256=named)
    await kept.settle()
    another = Verifier(kept.index, kept.footage, [Ed25519PrivateKey.generate().public_key()], kept.clock, archived_after_s=1e9)
    assert ("CHAIN_BROKEN", broken.key) in await findings(kept, another)


async def test_metadata_that_differ_from_the_fact_are_named(station: Any) -> None:
    fact = await station.record(0, 0, tell=False)
    fact.clock_offset_ns = 5
    station.tell(fact)
    await station.settle()
    assert await findings(station) == [("METADATA_MISMATCH", fact.key)]


async def test_a_fact_whose_object_is_another_is_indexed_as_such_and_named(station: Any) -> None:
    fact = await station.record(0, 0, tell=False)
    fact.sha256 = b"o" * 32
    station.tell(fact)
    await station.settle()
    (hour,) = await station.index.hours("cam-1", BEGIN, BEGIN + SECOND)
    assert hour["segments"]["1-0"][-1] == 1
    assert ("DIGEST_MISMATCH", fact.key) in await findings(station)


async def test_an_archive_that_is_not_there_is_named(kept: Any) -> None:
    await kept.footage.delete("police-footage", ["cam-1/2026/01/01/archive-0"])
    assert await findings(kept) == [("ARCHIVE_MISSING", "cam-1/2026/01/01/archive-0")]


async def test_an_archive_that_another_key_signed_is_named(kept: Any) -> None:
    ((part, _),) = await kept.archive.chain("cam-1", "police", BEGIN // SECOND // DAY_S)
    await kept.footage.delete("police-footage", ["cam-1/2026/01/01/archive-0"])
    await kept.footage.put_bytes("police-footage", "cam-1/2026/01/01/archive-0", signed(part, Ed25519PrivateKey.generate()), {})
    assert await findings(kept) == [("ARCHIVE_SIGNATURE_INVALID", "cam-1/2026/01/01/archive-0")]


async def test_a_segment_that_vanished_from_object_and_index_is_told_by_the_archive(kept: Any) -> None:
    await kept.close()
    kept.store.events[:] = [event for event in kept.store.events if not event.subject.startswith("fact") or b"-1-5.mp4" not in event.body]
    kept.begin_documents("without-archives", restored=False)
    await kept.runner.start()
    await kept.settle()
    key = "cam-1/2026/01/02/20260102T000200.000Z-1-5.mp4"
    await kept.footage.delete("police-footage", [key])
    assert await findings(kept) == [("OBJECT_MISSING", key)]


async def test_deleted_footage_is_not_missed(kept: Any) -> None:
    kept.clock.advance(29 * DAY_S)
    assert await kept.retaining().run() == 1
    await kept.settle()
    assert await findings(kept) == []


async def test_objects_of_no_camera_of_the_owner_are_named_where_its_whole_bucket_is_verified(kept: Any) -> None:
    planted = ["cam-1/notes", "cam-7/2026/01/01/20260101T000000.000Z-1-1.mp4", "readme"]
    for key in planted:
        await kept.footage.put_bytes("police-footage", key, b"x", {})
    assert await findings(kept) == []
    whole = kept.verifier.verify(["cam-1"], 0, kept.clock.now_ns(), ["police"])
    assert [each.finding.key async for each in whole if each.HasField("finding")] == planted


async def test_a_camera_of_the_same_administrator_is_a_stranger_in_another_owners_bucket(kept: Any) -> None:
    kept.register("cam-2", "ward")
    await kept.settle()
    await kept.footage.ensure_bucket("ward-footage")
    planted = "cam-1/2026/01/01/20260101T000000.000Z-1-1.mp4"
    await kept.footage.put_bytes("ward-footage", planted, b"x", {})
    whole = kept.verifier.verify(["cam-1", "cam-2"], 0, kept.clock.now_ns(), ["police", "ward"])
    assert [each.finding.key async for each in whole if each.HasField("finding")] == [planted]


async def test_what_a_camera_recorded_for_its_owner_before_is_no_stray(station: Any) -> None:
    station.register(owner="ward")
    await station.record(0, 0, owner="police")
    await station.settle()
    whole = station.verifier.verify([], 0, station.clock.now_ns(), ["police"])
    assert [each.finding.key async for each in whole if each.HasField("finding")] == []


async def test_what_somebody_else_put_beside_archives_is_named_and_in_nobodys_way(station: Any) -> None:
    station.register()
    await station.record(0, 0)
    await station.settle()
    for name in ("note.txt", "archive-", "archive-x", "archive-0.bak"):
        await station.footage.put_bytes("police-footage", f"cam-1/2026/01/01/{name}", b"x", {})
    station.clock.advance(2 * 86_400)
    assert await station.archiving.run() == 1
    assert [part.part for part, _ in await station.archive.chain("cam-1", "police", 20_454)] == [0]
    end = station.clock.now_ns()
    found = [each.finding async for each in station.verifier.verify(["cam-1"], end - 3 * 86_400 * 10**9, end) if each.HasField("finding")]
    assert [(each.reason, each.key.rpartition("/")[2]) for each in found] == [
        ("OBJECT_UNKNOWN", name) for name in ("archive-", "archive-0.bak", "archive-x", "note.txt")
    ]
