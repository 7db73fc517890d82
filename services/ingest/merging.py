"""What several spools hold of one camera, as one stream in the order of time."""
from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import AsyncExitStack, aclosing

from vonglau.ingest.v1.service_pb2 import ReadSpoolResponse


class Reading:
    """One spool's stream, a segment ahead."""

    def __init__(self, responses: AsyncGenerator[ReadSpoolResponse, None]) -> None:
        self._responses = responses
        self.segment: ReadSpoolResponse | None = None  # that comes next; None: there is no more

    async def advance(self) -> None:
        self.segment = await anext(self._responses, None)

    async def take(self) -> AsyncGenerator[ReadSpoolResponse, None]:
        """The segment and its fragments; then the next one is known."""
        following = self.segment
        while following is not None and (following is self.segment or not following.HasField("segment")):
            yield following
            following = await anext(self._responses, None)
        self.segment = following


async def merged(streams: Iterable[AsyncGenerator[ReadSpoolResponse, None]]) -> AsyncGenerator[ReadSpoolResponse, None]:
    """Whole segments, by their starts. streams: each in order by itself."""
    async with AsyncExitStack() as stack:
        readings = [Reading(await stack.enter_async_context(aclosing(stream))) for stream in streams]
        for reading in readings:
            await reading.advance()
        while left := [reading for reading in readings if reading.segment is not None]:
            first = min(left, key=start)
            async for response in first.take():
                yield response


def start(reading: Reading) -> int:
    return reading.segment.segment.start_ns if reading.segment is not None else 0
