"""Ends and beginnings of the process, in order and by force: what was recorded is in the store, and every second has its cause."""
from __future__ import annotations

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from services.ingest import leftovers
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_REFUSED, GAP_CAUSE_SPOOL_LOST, GAP_CAUSE_WRITER_FAILED, InterruptionObserved, SegmentRecorded
from vonglau.testing.reading import decoding_errors
from vonglau.testing.waiting import eventually

if TYPE_CHECKING:
    from tests.ingest.service.conftest import City
    from vonglau.testing.cameras import CameraFarm

pytestmark = pytest.mark.loopback

FRAME_NS = 100_000_000
Breaks = Callable[[Iterable[SegmentRecorded]], list[SegmentRecorded]]


async def segments_of(city: City, camera: str) -> list[SegmentRecorded]:
    """Each once, in order."""
    once = {(each.epoch, each.number): each for each in await city.facts(SegmentRecorded, camera)}
    return [once[key] for key in sorted(once)]


def proved(city: City, segments: list[SegmentRecorded]) -> list[str]:
    """What is wrong with the objects in the store."""
    folder = city.settings.footage_dir / "police-footage"
    stored = {path.relative_to(folder).as_posix() for path in folder.glob("cam-*/**/*.mp4")}
    camera = segments[0].camera
    wrong = [f"{key} has no fact" for key in stored - {each.key for each in segments} if key.startswith(f"{camera}/")]
    wrong += [f"{each.key} is not stored" for each in segments if each.key not in stored]
    return wrong + [f"{each.key}: {errors}" for each in segments[-4:] if (errors := decoding_errors(folder / each.key))]


def unexplained(segments: list[SegmentRecorded], interruptions: Iterable[InterruptionObserved]) -> list[tuple[int, int]]:
    """Holes between segments that no ended interruption covers exactly, to a frame."""
    spans = [(each.begun_ns, each.ended_ns) for each in interruptions]
    holes = [(one.end_ns, other.start_ns) for one, other in pairwise(segments) if other.start_ns - one.end_ns > FRAME_NS]
    return [hole for hole in holes if not any(abs(begun - hole[0]) <= FRAME_NS and abs(ended - hole[1]) <= FRAME_NS for begun, ended in joined(spans))]


def joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans that follow each other at once are one."""
    found: list[tuple[int, int]] = []
    for begun, ended in sorted(spans):
        if found and begun <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(ended, found[-1][1]))
        else:
            found.append((begun, ended))
    return found


async def test_an_orderly_end_is_quick_and_closes_every_epoch(city: City, farm: CameraFarm) -> None:
    await city.start_process()
    for camera in ("cam-1", "cam-2"):
        await city.register(camera, farm.url(camera))
    await city.recorded("cam-1", 2)
    await city.recorded("cam-2", 2)
    begun = time.monotonic()
    await city.stop()
    assert time.monotonic() - begun < city.settings.grace_s
    assert city.process is not None
    assert city.process.returncode == 0
    for camera in ("cam-1", "cam-2"):
        segments = await segments_of(city, camera)
        assert [each.last_of_epoch for each in segments] == [False] * (len(segments) - 1) + [True]
        assert proved(city, segments) == []
    assert city.spooled_files() == 0
    assert city.unclosed_files() == 0


async def test_after_an_orderly_end_the_next_process_continues_where_it_was(city: City, farm: CameraFarm, chain_breaks: Breaks) -> None:
    await city.start()
    await city.register("cam-1", farm.url("cam-1"))
    await city.recorded("cam-1", 1)
    await city.stop()
    before = await segments_of(city, "cam-1")
    await city.start()
    await city.recorded("cam-1", len(before) + 1)
    segments = await segments_of(city, "cam-1")
    assert segments[len(before)].epoch > before[-1].epoch
    assert segments[len(before)].number == 0
    assert chain_breaks(segments) == []
    (while_away,) = [each for each in (await city.interruptions("cam-1")).values() if each.cause == GAP_CAUSE_WRITER_FAILED]
    assert (while_away.begun_ns, while_away.ended_ns) == (before[-1].end_ns, segments[len(before)].start_ns)


async def kill_and_start(city: City, cameras: Iterable[str]) -> None:
    await city.kill()
    told = {camera: len(await city.facts(SegmentRecorded, camera)) for camera in cameras}
    left = Counter(path.parent.name for path in (city.settings.spool_dir / "segments").glob("*/*.mp4"))
    await city.start_process()
    for camera in cameras:
        await city.recorded(camera, told[camera] + left[camera] + 2)


async def all_proved(city: City, camera: str) -> bool:
    """What is being stored just now gets its fact a moment later."""
    return proved(city, await segments_of(city, camera)) == []


async def test_after_a_kill_everything_recorded_is_stored_once_and_the_hole_is_covered_to_a_frame(city: City, farm: CameraFarm, chain_breaks: Breaks) -> None:
    await city.start_process()
    for camera in ("cam-1", "cam-2"):
        await city.register(camera, farm.url(camera))
    await city.recorded("cam-1", 2)
    await city.recorded("cam-2", 2)
    until = (await city.status("cam-1")).recorded_until.ToNanoseconds()
    await kill_and_start(city, ("cam-1", "cam-2"))
    for camera in ("cam-1", "cam-2"):
        await eventually(partial(all_proved, city, camera))
        segments = await segments_of(city, camera)
        first, second = sorted({each.epoch for each in segments})
        assert chain_breaks(segments) == []
        assert unexplained(segments, (await city.interruptions(camera)).values()) == []
        last = [each for each in segments if each.epoch == first][-1]
        assert (last.recovered, last.last_of_epoch) == (True, True)
        assert next(each.number for each in segments if each.epoch == second) == 0
        assert any(each.cause == GAP_CAUSE_WRITER_FAILED and each.begun_ns == last.end_ns for each in (await city.interruptions(camera)).values())
        closed = [each.closes_epoch for each in await city.facts(InterruptionObserved, camera) if each.epoch == second]
        assert max(closed) == second - 1, "nothing before is left open"
    cut = [each for each in await segments_of(city, "cam-1") if each.recovered][-1]
    assert cut.end_ns >= until - 500_000_000, "at most the group of pictures in flight is lost"
    assert "Traceback" not in city.logged()


@pytest.mark.long
async def test_an_interruption_that_lasted_at_the_kill_keeps_its_cause(city: City, farm: CameraFarm) -> None:
    await city.start_process()
    await city.register("cam-1", farm.url("cam-1"))
    await city.recorded("cam-1", 1)
    farm.camera("cam-1").refuse()
    farm.camera("cam-1").cut()

    async def refused() -> list[InterruptionObserved]:
        return [each for each in await city.facts(InterruptionObserved, "cam-1") if each.cause == GAP_CAUSE_REFUSED]

    (lasting, *_) = await eventually(refused)
    before = len(await city.recorded("cam-1", 1))
    await city.kill()
    killed_ns = city.now_ns()
    farm.camera("cam-1").refuse(on=False)
    await city.start_process()
    await city.recorded("cam-1", before + 2)
    interruptions = await city.interruptions("cam-1")
    ended = interruptions[lasting.epoch, lasting.begun_ns]
    assert ended.ended_ns > killed_ns
    assert all(each.begun_ns >= ended.ended_ns for each in interruptions.values() if each.epoch > lasting.epoch)
    assert unexplained(await segments_of(city, "cam-1"), interruptions.values()) == []


async def test_two_processes_never_share_a_spool(city: City) -> None:
    await city.start_process()
    first = city.process
    with pytest.raises(Exception, match="another process records into"):
        await city.start(run_dir=city.folder / "other")
    assert first is not None
    assert first.returncode is None


@pytest.mark.long
async def test_epochs_without_a_segment_are_closed_too(city: City, farm: CameraFarm) -> None:
    await city.start()
    await city.register("cam-1", farm.url("cam-1"))
    await city.recorded("cam-1", 1)
    await city.stop()
    farm.camera("cam-1").refuse()
    await city.start()
    await city.until("cam-1", lambda status: status.cause == GAP_CAUSE_REFUSED)
    await city.stop()
    farm.camera("cam-1").refuse(on=False)
    known = len(await city.facts(SegmentRecorded, "cam-1"))
    await city.start()
    await city.recorded("cam-1", known + 1)
    facts = await city.facts(InterruptionObserved, "cam-1")
    *before, present = sorted({each.epoch for each in facts})
    assert len(before) == 2
    assert max(each.closes_epoch for each in facts if each.epoch == present) >= max(before)
    assert unexplained(await segments_of(city, "cam-1"), (await city.interruptions("cam-1")).values()) == []


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_many_kills_lose_nothing_that_was_recorded(city: City, farm: CameraFarm, chain_breaks: Breaks) -> None:
    await city.start_process()
    cameras = ("cam-1", "cam-2")
    for camera in cameras:
        await city.register(camera, farm.url(camera))
        await city.recorded(camera, 1)
    for number in range(12):
        await asyncio.sleep(0.37 * (number % 5))  # the moment of the kill is what is varied
        await kill_and_start(city, cameras)
    for camera in cameras:
        segments = await segments_of(city, camera)
        assert len({each.epoch for each in segments}) == 13
        assert chain_breaks(segments) == []
        assert proved(city, segments) == []
        assert unexplained(segments, (await city.interruptions(camera)).values()) == []
    assert "Traceback" not in city.logged()


@pytest.mark.long
async def test_a_node_without_its_spool_is_given_up_once_and_what_is_stored_stays(city: City, farm: CameraFarm) -> None:
    await city.start_process()
    await city.register("cam-1", farm.url("cam-1"))
    await city.recorded("cam-1", 2)
    await city.kill()
    shutil.rmtree(city.settings.spool_dir)
    stored = await segments_of(city, "cam-1")
    for _ in range(2):
        await leftovers.main(city.settings, asyncio.Event())
    await city.start_process()
    await city.recorded("cam-1", len(stored) + 1)
    lost, *others = [each for each in await city.facts(InterruptionObserved, "cam-1") if each.cause == GAP_CAUSE_SPOOL_LOST]
    assert others == []
    assert (lost.owner, lost.epoch, lost.closes_epoch, lost.begun_ns) == ("police", stored[-1].epoch, stored[-1].epoch, stored[-1].end_ns)
    segments = await segments_of(city, "cam-1")
    assert segments[: len(stored)] == stored
    assert unexplained(segments, (await city.interruptions("cam-1")).values()) == []
