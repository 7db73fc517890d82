"""Clips are read whole, with as few bytes as the range needs."""
from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.recording.clips import Clip, covering, sequential, stored_clips
from services.recording.random_access import KeyFrame, key_frames, parsed
from vonglau.media.errors import DamagedMedia
from vonglau.media.fmp4 import random_access_index

BEGIN = 1_767_225_600_000_000_000
SECOND = 1_000_000_000
NAME = (1, 0, "avc1.4d401f")


class Store:
    """One object in memory that counts what is read of it."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.bytes_read = 0

    async def read(self, bucket: str, key: str, offset: int = 0, length: int | None = None) -> AsyncGenerator[bytes, None]:
        end = len(self.body) if length is None else min(len(self.body), offset + length)
        for first in range(offset, end, 1000):
            chunk = self.body[first:min(end, first + 1000)]
            self.bytes_read += len(chunk)
            yield chunk


async def clips(store: Any, start: float, end: float) -> list[Clip]:
    first, last = BEGIN + round(start * SECOND), BEGIN + round(end * SECOND)
    return [each async for each in stored_clips(store, "b", "k", len(store.body), NAME, first, last)]


def seconds(found: list[Clip]) -> list[float]:
    return [(each.start - BEGIN) / SECOND for each in found]


async def test_a_range_is_read_from_the_key_frame_before_it_to_the_one_after_it(media: Any) -> None:
    store: Any = Store(media(0, 20))
    found = await clips(store, 5.5, 7.2)
    assert seconds(found) == pytest.approx([5, 6, 7])
    assert all(each.keyframe for each in found)
    assert store.bytes_read < len(store.body) / 2


async def test_a_range_beyond_both_ends_is_the_whole_object(media: Any) -> None:
    store: Any = Store(media(0, 5))
    assert seconds(await clips(store, -10, 100)) == pytest.approx([0, 1, 2, 3, 4])


async def test_clips_know_their_place_and_source(media: Any) -> None:
    store: Any = Store(media(0, 2))
    first, second = await clips(store, 0, 10)
    assert (first.source.epoch, first.source.number, first.source.codec) == NAME
    assert first.source.init == store.body[:len(first.source.init)]
    assert (first.start, first.end, second.start) == (BEGIN, BEGIN + SECOND, BEGIN + SECOND)
    assert first.media[4:8] == b"moof"


@pytest.mark.parametrize("cut", [1, 50, 400])
async def test_an_object_that_was_cut_is_played_up_to_its_last_whole_fragment(media: Any, cut: int) -> None:
    whole = media(0, 5, indexed=False)
    store: Any = Store(whole[:-cut])
    assert seconds(await clips(store, 2, 10)) == pytest.approx([0, 1, 2, 3])


async def test_an_index_that_is_longer_than_the_tail_is_read_whole() -> None:
    frames = [(at * 90_000, at * 1000) for at in range(900)]
    store: Any = Store(b"x" * 5000 + random_access_index(frames))
    assert await key_frames(store, "b", "k", len(store.body)) == [KeyFrame(*frame) for frame in frames]


@pytest.mark.parametrize("body", [b"", b"short", b"x" * 9000, random_access_index([(1, 2)])[:-1], b"\0" * 40 + b"mfro" + b"\0" * 4 + b"\xff" * 4])
async def test_what_is_no_index_is_none(body: bytes) -> None:
    store: Any = Store(body)
    assert await key_frames(store, "b", "k", len(body)) == []


def test_an_index_is_read_as_it_was_written() -> None:
    assert parsed(random_access_index([(5, 100), (9, 2**40)])) == [KeyFrame(5, 100), KeyFrame(9, 2**40)]
    with pytest.raises(DamagedMedia):
        parsed(b"\0\0\0\x08free")


def test_what_covers_a_range_begins_at_or_before_it() -> None:
    frames = [KeyFrame(0, 10), KeyFrame(100, 20), KeyFrame(200, 30)]
    assert covering(frames, 100, 150, 99) == (20, 30)
    assert covering(frames, 99, 100, 99) == (10, 30)
    assert covering(frames, 250, 300, 99) == (30, 99)
    assert covering(frames, -5, -1, 99) == (10, 10)


@settings(max_examples=30)
@given(data=st.data())
async def test_however_the_bytes_arrive_the_clips_are_the_same(media: Any, data: st.DataObject) -> None:
    body = media(0, 3)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(body) - 1), max_size=12)))

    async def chunks() -> AsyncGenerator[bytes, None]:
        for first, last in zip([0, *cuts], [*cuts, len(body)], strict=True):
            yield body[first:last]

    store: Any = Store(body)
    assert [each async for each in sequential(chunks(), NAME)] == await clips(store, 0, 10)
