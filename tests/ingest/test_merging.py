"""What several spools hold of a camera is read as one: whole segments, in the order of time."""
from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.merging import merged
from vonglau.errors import Unavailable
from vonglau.ingest.v1.service_pb2 import ReadSpoolResponse, SpoolFragment, SpoolSegment

Segment = tuple[int, int]  # start, fragments


class Spool:
    """Streams segments with their fragments, and knows whether it was closed."""

    def __init__(self, *segments: Segment, fails: bool = False) -> None:
        self.segments, self.fails, self.is_closed = segments, fails, False

    async def stream(self) -> AsyncGenerator[ReadSpoolResponse, None]:
        try:
            for start, fragments in self.segments:
                yield ReadSpoolResponse(segment=SpoolSegment(start_ns=start))
                for number in range(fragments):
                    yield ReadSpoolResponse(fragment=SpoolFragment(start_ns=start + number))
            if self.fails:
                raise Unavailable("PEER_UNREACHABLE", "it does not answer")
        finally:
            self.is_closed = True


async def read(*spools: Spool) -> list[Segment]:
    """Fails where a fragment is not behind its own segment."""
    found: list[Segment] = []
    async for response in merged([spool.stream() for spool in spools]):
        if response.HasField("segment"):
            found.append((response.segment.start_ns, 0))
        else:
            start, fragments = found[-1]
            assert response.fragment.start_ns == start + fragments
            found[-1] = (start, fragments + 1)
    return found


spools = st.lists(st.lists(st.tuples(st.integers(0, 50).map(lambda start: start * 10), st.integers(0, 4)), max_size=5).map(sorted), max_size=4)


@given(spools)
async def test_every_segment_comes_whole_once_and_in_order(held: list[list[Segment]]) -> None:
    found = await read(*(Spool(*segments) for segments in held))
    assert sorted(found) == sorted(segment for segments in held for segment in segments)
    assert [start for start, _ in found] == sorted(start for start, _ in found)


async def test_a_spool_that_fails_ends_the_reading_and_leaves_none_open() -> None:
    whole, failing = Spool((10, 1), (40, 1)), Spool((20, 2), fails=True)
    with pytest.raises(Unavailable):
        await read(whole, failing)
    assert (whole.is_closed, failing.is_closed) == (True, True)


async def test_a_reader_that_stops_leaves_no_spool_open() -> None:
    held = [Spool((10, 3)), Spool((20, 3))]
    reading = merged([spool.stream() for spool in held])
    await anext(reading)
    await reading.aclose()
    assert [spool.is_closed for spool in held] == [True, True]
