"""Playback on real fragmented MP4: any player opens it, the time line starts at 0 and jumps at gaps, overlaps are shown once."""
from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest
from imageio_ffmpeg import get_ffmpeg_exe  # type: ignore[attr-defined]

from services.recording.cut import LARGEST_PART
from vonglau.ingest.v1.service_pb2 import ReadSpoolResponse, SpoolFragment, SpoolSegment
from vonglau.media.fragments import fragments, init_length

BEGIN = 1_767_225_600_000_000_000
SECOND = 1_000_000_000
Media = Callable[..., bytes]


async def played(station: Any, start: float, end: float, **more: Any) -> list[tuple[Any, bytes]]:
    """(FileStarted, its bytes) of each file."""
    files: list[tuple[Any, bytes]] = []
    async for response in station.playback.play("cam-1", BEGIN + round(start * SECOND), BEGIN + round(end * SECOND), **more):
        if response.WhichOneof("part") == "file":
            files.append((response.file, b""))
        else:
            assert len(response.data) <= LARGEST_PART
            files[-1] = (files[-1][0], files[-1][1] + response.data)
    return files


def times(file: bytes) -> list[float]:
    """Decode times of the packets, s."""
    with av.open(io.BytesIO(file), "r") as container:
        stream = container.streams.video[0]
        assert stream.time_base is not None
        return [float(packet.dts * stream.time_base) for packet in container.demux(stream) if packet.dts is not None]


def frames(file: bytes) -> int:
    with av.open(io.BytesIO(file), "r") as container:
        return sum(1 for _ in container.decode(video=0))


async def test_a_range_is_cut_to_the_fragments_that_cover_it_and_starts_at_0(station: Any, media: Media) -> None:
    await station.record(0, 0, 10, body=media(0, 10))
    await station.settle()
    ((started, file),) = await played(station, 3.5, 6.2)
    assert (started.number, started.codec, started.start.ToNanoseconds()) == (1, "avc1.4d401f", BEGIN + 3 * SECOND)
    assert times(file)[0] == 0
    assert times(file) == pytest.approx([each / 10 for each in range(40)])  # 3.0 to 7.0: whole groups of pictures
    assert frames(file) == 40


async def test_contiguous_segments_play_without_a_seam(station: Any, media: Media, tmp_path: Path) -> None:
    for number in range(3):
        await station.record(number, number * 10, 10, body=media(number * 10, 10), contiguous=True)
    await station.settle()
    ((_, file),) = await played(station, 5, 25)
    assert times(file) == pytest.approx([each / 10 for each in range(200)])
    path = tmp_path / "clip.mp4"
    path.write_bytes(file)
    program = str(get_ffmpeg_exe())  # type: ignore[no-untyped-call]
    command = [program, "-v", "error", "-xerror", "-i", str(path), "-f", "null", "-"]
    checked = subprocess.run(command, capture_output=True, check=False)  # noqa: ASYNC221 - a second, in a test
    assert (checked.returncode, checked.stderr) == (0, b"")


async def test_the_time_line_jumps_where_there_is_a_gap(station: Any, media: Media) -> None:
    await station.record(0, 0, 5, body=media(0, 5))
    await station.record(1, 3605, 5, body=media(3605, 5))
    await station.settle()
    ((_, file),) = await played(station, 0, 3610)
    found = times(file)
    (jump,) = [(one, other) for one, other in pairwise(found) if other - one > 0.2]
    assert jump == pytest.approx((4.9, 3605.0))
    assert len(found) == 100


async def test_other_codec_parameters_start_a_new_file(station: Any, media: Media) -> None:
    await station.record(0, 0, 5, body=media(0, 5))
    await station.record(1, 5, 5, body=media(5, 5, width=320, height=240), contiguous=True)
    await station.settle()
    (one, first), (other, second) = await played(station, 0, 10)
    assert (one.number, other.number, other.start.ToNanoseconds()) == (1, 2, BEGIN + 5 * SECOND)
    assert times(first)[0] == times(second)[0] == 0
    assert (frames(first), frames(second)) == (50, 50)


async def test_what_two_epochs_recorded_at_once_is_shown_once(station: Any, media: Media) -> None:
    await station.record(0, 0, 10, body=media(0, 10), epoch=5)
    await station.record(0, 6, 10, body=media(6, 10), epoch=7)
    await station.settle()
    ((_, file),) = await played(station, 0, 16)
    assert times(file) == pytest.approx([each / 10 for each in range(160)])


async def test_an_overlap_that_does_not_meet_at_a_key_frame_never_goes_back(station: Any, media: Media) -> None:
    await station.record(0, 0, 10, body=media(0, 10), epoch=5)
    await station.record(0, 6.5, 10, body=media(6.5, 10), epoch=7)
    await station.settle()
    ((_, file),) = await played(station, 0, 16.5)
    found = times(file)
    assert all(other > one for one, other in pairwise(found))
    assert found[99:101] == pytest.approx([9.9, 10.5])


async def test_re_anchored_time_that_steps_back_a_little_loses_no_frame(station: Any, media: Media) -> None:
    await station.record(0, 0, 10, body=media(0, 10))
    await station.record(1, 9.85, 10, body=media(9.85, 10), contiguous=True, drift_ns=-150_000_000)
    await station.settle()
    ((_, file),) = await played(station, 0, 20)
    found = times(file)
    assert len(found) == 200
    assert all(other > one for one, other in pairwise(found))


async def test_an_object_without_index_is_played_from_its_start(station: Any, media: Media) -> None:
    whole = media(0, 10, indexed=False)
    await station.record(0, 0, 10, body=whole[:-100])  # cut by a crash in its last fragment
    await station.settle()
    ((_, file),) = await played(station, 6.5, 20)
    assert len(times(file)) == 30


async def test_a_missing_object_is_a_jump_and_not_an_end(station: Any, media: Media) -> None:
    for number in range(3):
        await station.record(number, number * 5, 5, body=media(number * 5, 5), contiguous=True)
    await station.settle()
    (middle,) = [key for key in await station.keys() if key.endswith("-1.mp4")]
    await station.footage.delete("police-footage", [middle])
    ((_, file),) = await played(station, 0, 15)
    assert len(times(file)) == 100
    assert times(file)[-1] == pytest.approx(14.9)


def spooled(number: int, start: float, body: bytes, *, contiguous: bool = True, count: int = 10) -> list[ReadSpoolResponse]:
    begin = BEGIN + round(start * SECOND)
    head = SpoolSegment(epoch=1, number=number, owner="police", start_ns=begin, contiguous=contiguous, codec="avc1.4d401f")
    head.end_ns, head.init_segment = begin + count * SECOND, body[:init_length(body)]
    parts = [
        SpoolFragment(start_ns=begin + at * SECOND, end_ns=begin + (at + 1) * SECOND, media=body[each.offset:each.offset + each.size])
        for at, each in enumerate(fragments(body))
    ]
    return [ReadSpoolResponse(segment=head), *(ReadSpoolResponse(fragment=each) for each in parts[:count])]


async def test_playback_goes_on_into_the_spool(station: Any, media: Media) -> None:
    await station.record(0, 0, 10, body=media(0, 10))
    await station.settle()
    station.spool.responses = spooled(1, 10, media(10, 10), count=7)
    ((_, file),) = await played(station, 5, 30)
    assert times(file) == pytest.approx([each / 10 for each in range(120)])


async def test_a_segment_that_is_stored_while_it_plays_is_shown_once(station: Any, media: Media) -> None:
    await station.record(0, 0, 10, body=media(0, 10))
    await station.settle()
    station.spool.responses = [*spooled(0, 0, media(0, 10), contiguous=False), *spooled(1, 10, media(10, 10), count=3)]
    ((_, file),) = await played(station, 0, 30)
    assert len(times(file)) == 130


async def test_a_segment_between_spool_and_index_is_waited_for(station: Any, media: Media) -> None:
    await station.record(0, 0, 10, body=media(0, 10))
    await station.settle()
    station.spool.responses = spooled(2, 20, media(20, 10), count=3)
    read = station.spool.read

    async def stored_meanwhile(*args: Any, **more: Any) -> Any:
        if not station.digests.get(("cam-1", 1, 1)):
            await station.record(1, 10, 10, body=media(10, 10), contiguous=True)
            station.clock.advance(1)
        async for each in read(*args, **more):
            yield each

    station.spool.read = stored_meanwhile
    ((_, file),) = await played(station, 0, 30)
    assert times(file) == pytest.approx([each / 10 for each in range(230)])


async def test_a_spool_that_is_away_ends_the_clip_with_what_is_stored(station: Any, media: Media) -> None:
    await station.record(0, 0, 10, body=media(0, 10))
    await station.settle()
    station.spool.is_away = True
    ((_, file),) = await played(station, 0, 30)
    assert len(times(file)) == 100


async def test_footage_of_another_owner_is_not_shown(station: Any, media: Media) -> None:
    await station.record(0, 0, 5, body=media(0, 5))
    await station.record(1, 5, 5, body=media(5, 5), owner="ward")
    await station.settle()
    ((_, file),) = await played(station, 0, 10, owners=frozenset({"ward"}))
    assert len(times(file)) == 50
    assert await played(station, 0, 10, owners=frozenset({"other"})) == []


async def test_where_nothing_was_recorded_there_is_no_file(station: Any) -> None:
    assert await played(station, 0, 10) == []
