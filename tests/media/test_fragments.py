"""Whole pairs are found, moved and cut; what is no pair is left out."""
from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vonglau.media.boxes import boxes
from vonglau.media.errors import DamagedMedia
from vonglau.media.fmp4 import Run, Sync, VideoTrack, fragment_header, init_segment, random_access_index
from vonglau.media.fragments import fragments, init_length, retimed, whole_length
from vonglau.media.init import read_init
from vonglau.testing.rtp import H264_PPS, H264_SPS

INIT = init_segment(VideoTrack("h264", (H264_SPS, H264_PPS)))


def pair(sequence: int, size: int = 40) -> bytes:
    return fragment_header(sequence, (Run(1, sequence * 1000, [500, 500], [size, 1], Sync.FIRST), Run(2, sequence, [1], [2], Sync.ALL))) + bytes(size + 3)


FILE = INIT + pair(1) + pair(2, 300) + pair(3) + random_access_index([(1000, len(INIT))])
ENDS = [len(INIT) + sum(len(one) for one in (pair(1), pair(2, 300), pair(3))[:count]) for count in range(1, 4)]


@pytest.mark.parametrize("length", range(0, len(FILE) + 1, 1))
def test_a_file_cut_anywhere_keeps_exactly_the_whole_pairs_before_the_cut(length: int) -> None:
    assert whole_length(FILE[:length]) == max((end for end in ENDS if end <= length), default=0)


def test_a_range_read_out_of_a_file_has_its_offsets() -> None:
    found = list(fragments(FILE[ENDS[0]:ENDS[1]], base=ENDS[0]))
    assert [(fragment.offset, fragment.size, fragment.sequence) for fragment in found] == [(ENDS[0], ENDS[1] - ENDS[0], 2)]


def test_only_the_times_and_the_number_of_a_moved_fragment_change() -> None:
    before = FILE[ENDS[0]:ENDS[1]]
    after = retimed(before, 77, {1: 123_456_789_012, 2: 42})
    (found,), (original,) = list(fragments(after)), list(fragments(before))
    assert found.sequence == 77
    assert [run.tfdt for run in found.tracks] == [123_456_789_012, 42]
    assert [replace(run, tfdt=0) for run in found.tracks] == [replace(run, tfdt=0) for run in original.tracks]
    assert after[-303:] == before[-303:]
    assert retimed(after, original.sequence, {run.track: run.tfdt for run in original.tracks}) == before


def test_a_fragment_is_not_moved_when_one_of_its_tracks_has_no_time() -> None:
    with pytest.raises(DamagedMedia):
        retimed(pair(1), 1, {1: 0})


def test_zeros_behind_the_last_pair_are_no_pair() -> None:
    assert whole_length(FILE[:ENDS[1]] + bytes(4096)) == ENDS[1]


def test_an_mdat_without_its_moof_is_no_pair() -> None:
    moof, mdat = list(boxes(pair(2)))
    assert whole_length(INIT + pair(1) + pair(2)[mdat.start:mdat.end]) == ENDS[0]
    assert moof.kind == b"moof"


def test_the_init_segment_ends_before_the_first_moof() -> None:
    assert FILE[:init_length(FILE)] == INIT


READERS: list[Callable[[bytes], object]] = [lambda data: list(fragments(data)), read_init, init_length, lambda data: retimed(data, 1, {1: 0, 2: 0})]


@pytest.mark.parametrize("read", READERS)
@given(data=st.data())
@settings(max_examples=150)
def test_damaged_bytes_are_named_as_such_or_read(read: Callable[[bytes], object], data: st.DataObject) -> None:
    content = bytearray(FILE)
    for position in data.draw(st.lists(st.integers(0, len(FILE) - 1), max_size=8)):
        content[position] = data.draw(st.integers(0, 255))
    with contextlib.suppress(DamagedMedia):
        read(bytes(content))
