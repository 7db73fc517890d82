"""Viewers: each from a key frame, on a time line of its own; who is slow skips, and nobody waits for anybody."""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from fractions import Fraction

from services.ingest.audience import Audience
from services.ingest.fragment import fragment, video_run
from services.ingest.live import LivePart
from services.ingest.viewing import TimeLine
from vonglau.ingest.v1.service_pb2 import WatchResponse
from vonglau.media.fmp4 import AUDIO, VIDEO, AudioTrack, Run, Sync, VideoTrack, init_segment
from vonglau.media.fragments import fragments
from vonglau.media.ticks import VIDEO_RATE, to_ns
from vonglau.testing.rtp import H264_PPS, H264_SPS

NOW = 1_767_225_600 * VIDEO_RATE
SOUND = AudioTrack(48_000, 1, b"\x11\x88")
INIT = init_segment(VideoTrack("h264", (H264_SPS, H264_PPS)))
INIT_WITH_SOUND = init_segment(VideoTrack("h264", (H264_SPS, H264_PPS)), SOUND)


def part(number: int, *, key: bool = False, size: int = 100, sound_at: float | None = None) -> LivePart:
    """The tenth of a second with this number, since NOW. sound_at: s since NOW."""
    video = video_run([NOW + number * 9000], [size], NOW + (number + 1) * 9000, 0, key=key)
    audio = None
    if sound_at is not None:
        audio = (Run(AUDIO, round((1_767_225_600 + Fraction(sound_at)) * 48_000), [4800], [10], Sync.ALL), [bytes(10)])
    return LivePart(b"".join(fragment(number, video, bytes(size), audio)), to_ns(video.tfdt), to_ns(9000), key)


class Room:
    """An audience, and its viewers' responses as far as they have taken them."""

    def __init__(self, limit_bytes: int = 1 << 20) -> None:
        self.watched: list[bool] = []
        self.audience = Audience(limit_bytes, lambda viewer: self.watched.append(viewer is not None))

    async def join(self) -> AsyncIterator[WatchResponse]:
        joined = self.audience.join(TimeLine())
        self._first = asyncio.ensure_future(anext(joined))
        await asyncio.sleep(0)
        first = self._first

        async def responses() -> AsyncIterator[WatchResponse]:
            yield await first
            async for response in joined:
                yield response

        return responses()

    async def all_of(self, viewer: AsyncIterator[WatchResponse]) -> list[WatchResponse]:
        self.audience.end()
        return [response async for response in viewer]


def starts(responses: list[WatchResponse], track: int = VIDEO) -> list[float]:
    """Where the parts stand on the viewer's time line, in s."""
    rate = VIDEO_RATE if track == VIDEO else 48_000
    runs = [run for response in responses if response.media for found in fragments(response.media) if (run := found.track(track))]
    return [round(run.tfdt / rate, 3) for run in runs]


def sequences(responses: list[WatchResponse]) -> list[int]:
    return [found.sequence for response in responses if response.media for found in fragments(response.media)]


async def test_a_viewer_begins_with_the_init_segment_and_a_key_frame_at_0() -> None:
    room = Room()
    viewer = await room.join()
    room.audience.init_changed(INIT)
    for number in range(5, 9):
        room.audience.part_came(part(number, key=number == 6))
    first, *parts = await room.all_of(viewer)
    assert first.init_segment == INIT
    assert (starts(parts), sequences(parts)) == ([0.0, 0.1, 0.2], [1, 2, 3])
    assert [each.start_ns for each in parts] == [part(number).start_ns for number in (6, 7, 8)]
    assert [each.skipped for each in parts] == [0, 0, 0], "nothing that was before its time was skipped"


async def test_each_viewer_has_its_own_time_line_and_the_next_key_frame() -> None:
    room = Room()
    early = await room.join()
    room.audience.init_changed(INIT)
    room.audience.part_came(part(0, key=True))
    late = await room.join()
    for number in range(1, 4):
        room.audience.part_came(part(number, key=number == 2))
    room.audience.end()
    seen = [[response async for response in viewer] for viewer in (early, late)]
    assert [starts(each) for each in seen] == [[0.0, 0.1, 0.2, 0.3], [0.0, 0.1]]
    assert seen[1][0].init_segment == INIT


async def test_sound_that_begins_before_the_picture_sets_the_beginning() -> None:
    room = Room()
    viewer = await room.join()
    room.audience.init_changed(INIT_WITH_SOUND)
    room.audience.part_came(part(10, key=True, sound_at=0.95))
    room.audience.part_came(part(11, sound_at=1.05))
    responses = await room.all_of(viewer)
    assert (starts(responses, AUDIO), starts(responses)) == ([0.0, 0.1], [0.05, 0.15])


async def test_a_slow_viewer_skips_to_the_next_key_frame_on_a_running_time_line() -> None:
    room = Room(limit_bytes=4000)
    slow = await room.join()
    room.audience.init_changed(INIT)
    for number in range(30):
        room.audience.part_came(part(number, key=number % 10 == 0))
    responses = await room.all_of(slow)
    assert responses[0].init_segment == INIT
    assert [round(start * 10) for start in starts(responses)] == list(range(20, 30))
    assert [response.skipped for response in responses if response.media] == [20] + 9 * [0]
    assert sum(len(response.media) for response in responses) <= 4000


async def test_a_viewer_that_keeps_up_misses_nothing_because_of_a_slow_one() -> None:
    room = Room(limit_bytes=1000)
    slow, quick = await room.join(), await room.join()
    room.audience.init_changed(INIT)
    taken: list[WatchResponse] = []
    for number in range(30):
        room.audience.part_came(part(number, key=number % 10 == 0))
        while len(taken) < number + 2:
            taken.append(await anext(quick))
    assert [round(start * 10) for start in starts(taken)] == list(range(30))
    assert len(await room.all_of(slow)) < 12


async def test_after_a_reconnect_the_same_picture_goes_on_without_a_second_init_segment() -> None:
    room = Room()
    viewer = await room.join()
    room.audience.init_changed(INIT)
    room.audience.part_came(part(0, key=True))
    room.audience.init_changed(INIT)
    room.audience.part_came(part(50))
    room.audience.part_came(part(51, key=True))
    room.audience.init_changed(INIT_WITH_SOUND)
    room.audience.part_came(part(60, key=True, sound_at=6.0))
    responses = await room.all_of(viewer)
    assert [each.init_segment for each in responses if each.init_segment] == [INIT, INIT_WITH_SOUND]
    assert starts(responses) == [0.0, 5.1, 6.0]
    assert [each.skipped for each in responses if each.media] == [0, 1, 0]


async def test_the_camera_is_watched_only_while_somebody_does() -> None:
    room = Room()
    assert room.watched == []
    first, second = room.audience.join(), room.audience.join()
    tasks = [asyncio.ensure_future(anext(viewer)) for viewer in (first, second)]
    await asyncio.sleep(0)
    assert (room.watched, len(room.audience)) == ([True], 2)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (room.watched, len(room.audience)) == ([True, False], 0)


async def test_who_comes_after_the_camera_has_left_is_not_kept_waiting() -> None:
    room = Room()
    room.audience.end()
    assert [response async for response in room.audience.join()] == []
    assert room.watched == []


