"""Cutting and joining, on clips made by hand."""
from __future__ import annotations

from typing import Any

import pytest

from services.recording.clips import Clip, Source
from services.recording.cut import LARGEST_PART, Cut
from vonglau.media.fmp4 import AUDIO, VIDEO, Run, Sync, fragment_header
from vonglau.media.fragments import Fragment, TrackRun, fragments
from vonglau.media.ticks import to_ticks

BEGIN = 1_767_225_600_000_000_000
SECOND = 1_000_000_000
RATES = {VIDEO: 90_000, AUDIO: 48_000}


@pytest.fixture
def source(media: Any) -> Source:
    body = media(0, 1)
    return Source(1, 0, "avc1.4d401f", body[:next(iter(fragments(body))).offset])


def at(seconds: float) -> int:
    return BEGIN + round(seconds * SECOND)


def clip(source: Source, start: float, length: float = 1.0, *, number: int = 0, epoch: int = 1, keyframe: bool = True, size: int = 10) -> Clip:
    first, duration = to_ticks(at(start)), to_ticks(round(length * SECOND))
    run = Run(VIDEO, first, [duration], [size], Sync.FIRST if keyframe else Sync.NONE)
    body = fragment_header(1, [run]) + bytes(size)
    owner = Source(epoch, number, source.codec, source.init)
    return Clip(owner, body, at(start), at(start + length), keyframe, (TrackRun(VIDEO, first, duration, 1, keyframe),))


def cut_of(clips: list[Clip], start: float, end: float) -> tuple[Cut, list[Any]]:
    cut = Cut(at(start), at(end))
    return cut, [response for each in clips for response in cut.take(each)]


def shown(responses: list[Any]) -> list[float]:
    """Decode times of the fragments, s; a new file begins anew."""
    return [each.tracks[0].tfdt / 90_000 for each in fragments_of(responses)]


def fragments_of(responses: list[Any]) -> list[Fragment]:
    return list(fragments(b"".join(response.data for response in responses)))


def test_fragments_without_a_key_frame_come_with_the_one_that_they_need(source: Source) -> None:
    clips = [clip(source, 0), clip(source, 1, keyframe=False), clip(source, 2, keyframe=False), clip(source, 3), clip(source, 4)]
    cut, responses = cut_of(clips, 2.5, 3.5)
    assert shown(responses) == [0, 1, 2, 3]
    assert responses[0].file.start.ToNanoseconds() == BEGIN
    assert cut.is_done


def test_nothing_is_shown_before_a_first_key_frame(source: Source) -> None:
    _, responses = cut_of([clip(source, 0, keyframe=False), clip(source, 1)], 0, 5)
    assert responses[0].file.start.ToNanoseconds() == at(1)
    assert shown(responses) == [0]


def test_clips_beyond_the_range_are_left_out(source: Source) -> None:
    cut, responses = cut_of([clip(source, 0), clip(source, 1), clip(source, 2)], 0.5, 2)
    assert shown(responses) == [0, 1]
    assert (cut.position, cut.is_done) == (at(2), True)


def test_the_position_is_how_far_the_range_is_covered(source: Source) -> None:
    cut, responses = cut_of([clip(source, 0), clip(source, 1)], 0, 9)
    assert [response.position.ToNanoseconds() for response in responses] == [BEGIN, BEGIN, at(1), at(2)]
    assert (cut.position, cut.is_done) == (at(2), False)


def test_a_part_is_at_most_1_mib(source: Source) -> None:
    _, responses = cut_of([clip(source, 0, size=2 * LARGEST_PART + 5)], 0, 1)
    assert [len(response.data) <= LARGEST_PART for response in responses] == [True] * len(responses)
    assert fragments_of(responses)[0].size == len(clip(source, 0, size=2 * LARGEST_PART + 5).media)


def test_fragments_are_numbered_anew(source: Source) -> None:
    _, responses = cut_of([clip(source, at_) for at_ in range(3)], 0, 5)
    assert [each.sequence for each in fragments_of(responses)] == [1, 2, 3]


def test_after_an_overlap_the_other_epoch_goes_on_at_its_next_key_frame(source: Source) -> None:
    overlapping = [clip(source, 1.5, epoch=2), clip(source, 2.5, epoch=2, keyframe=False), clip(source, 3.5, epoch=2)]
    _, responses = cut_of([clip(source, 0), clip(source, 1), *overlapping], 0, 9)
    assert shown(responses) == [0, 1, 3.5]


def test_the_next_segment_of_an_epoch_is_moved_behind_the_one_before_it(source: Source) -> None:
    _, responses = cut_of([clip(source, 0), clip(source, 0.85, number=1), clip(source, 1.85, number=1)], 0, 9)
    assert shown(responses) == [0, 1, 2]


def test_a_clock_that_steps_back_for_long_does_not_turn_the_time_line_back(source: Source) -> None:
    _, responses = cut_of([clip(source, 10), clip(source, 11), clip(source, 5, number=1), clip(source, 12, number=1)], 0, 99)
    assert shown(responses) == [0, 1, 2]


def test_sound_keeps_its_distance_to_the_picture(media: Any, source: Source) -> None:
    def with_sound(start: float) -> Clip:
        ticks = {track: to_ticks(at(start + delay), rate) for (track, rate), delay in zip(RATES.items(), (0, 0.1), strict=True)}
        lengths = dict(RATES)
        runs = [Run(track, ticks[track], [lengths[track]], [4], Sync.ALL if track == AUDIO else Sync.FIRST) for track in RATES]
        body = fragment_header(1, runs) + bytes(8)
        tracks = tuple(TrackRun(track, ticks[track], lengths[track], 1, True) for track in RATES)
        return Clip(with_audio, body, at(start), at(start + 1), True, tracks)

    with_audio = Source(1, 0, "avc1.4d401f,mp4a.40.2", two_tracks(source.init))
    _, responses = cut_of([with_sound(0), with_sound(1), with_sound(9)], 0, 99)
    times = [{run.track: run.tfdt / RATES[run.track] for run in each.tracks} for each in fragments_of(responses)]
    assert [each[VIDEO] for each in times] == [0, 1, 9]
    assert [each[AUDIO] for each in times] == pytest.approx([0.1, 1.1, 9.1], abs=0.0001)


def two_tracks(init: bytes) -> bytes:
    """The init segment with a second track: the first once more, as track 2 at 48 kHz."""
    trak = init.index(b"trak") - 4
    size = int.from_bytes(init[trak:trak + 4], "big")
    second = bytearray(init[trak:trak + size])
    header, media_header = second.index(b"tkhd"), second.index(b"mdhd")
    second[header + 16:header + 20] = AUDIO.to_bytes(4, "big")
    second[media_header + 16:media_header + 20] = RATES[AUDIO].to_bytes(4, "big")
    moov = init.index(b"moov") - 4
    grown = int.from_bytes(init[moov:moov + 4], "big") + size
    return init[:moov] + grown.to_bytes(4, "big") + init[moov + 4:trak + size] + bytes(second) + init[trak + size:]
