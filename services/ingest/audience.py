"""Those who watch one camera. The recorder never waits for them: who falls behind skips to the next key frame."""
from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from services.ingest.live import LivePart
from services.ingest.viewing import TimeLine
from vonglau.ingest.v1.service_pb2 import WatchResponse
from vonglau.telemetry import count, names


class Seat:
    """One viewer's queue, bounded in bytes."""

    def __init__(self, limit_bytes: int, line: TimeLine | None) -> None:
        """line: the viewer's; None: media stay on the camera's own, in UTC."""
        self._limit = limit_bytes
        self._line = line
        self._queue: deque[WatchResponse] = deque()
        self._bytes = 0
        self._needs_key = True
        self._skipped = 0
        self._init = b""  # goes out with the next key frame
        self._shown_init = b""  # went out last
        self._news = asyncio.Event()
        self._ended = False

    def init_changed(self, init: bytes) -> None:
        self._init = init if init != self._shown_init else b""
        self._needs_key = True

    def part_came(self, part: LivePart) -> None:
        if self._bytes + len(part.data) > self._limit:
            self._skip_to_next_key()
        if self._needs_key and not part.key:
            self._skip(1)
            return
        if self._init:
            self._show_init()
        self._needs_key = False
        self._put(WatchResponse(media=part.data, start_ns=part.start_ns, skipped=self._skipped))
        self._skipped = 0

    def end(self) -> None:
        self._ended = True
        self._news.set()

    async def parts(self) -> AsyncIterator[WatchResponse]:
        """Until the camera is no longer recorded here."""
        while True:
            while self._queue:
                response = self._queue.popleft()
                self._bytes -= len(response.media)
                yield response
            if self._ended:
                return
            self._news.clear()
            await self._news.wait()

    def _show_init(self) -> None:
        self._put(WatchResponse(init_segment=self._init))
        self._shown_init, self._init = self._init, b""

    def _put(self, response: WatchResponse) -> None:
        shown = response if self._line is None else self._line.shown(response)
        if shown is not None:
            self._queue.append(shown)
            self._bytes += len(shown.media)
            self._news.set()

    def _skip_to_next_key(self) -> None:
        """What waits is dropped, but for an init segment, without which nothing after it can be shown."""
        kept = [response for response in self._queue if response.init_segment][-1:]
        self._skip(len(self._queue) - len(kept))
        self._queue = deque(kept)
        self._bytes = 0
        self._needs_key = True

    def _skip(self, parts: int) -> None:
        """A viewer that waits for its first key frame has missed nothing."""
        if self._shown_init:
            self._skipped += parts
            count(names.VIEWER_SKIPS, parts)


class Audience:
    """A camera's viewers as one: the data plane works for it only while somebody watches."""

    def __init__(self, limit_bytes: int, watch: Callable[[Audience | None], None]) -> None:
        """watch: tells the camera's session who watches; None: nobody."""
        self._limit = limit_bytes
        self._watch = watch
        self._seats: set[Seat] = set()
        self._init = b""
        self._is_over = False

    def __len__(self) -> int:
        return len(self._seats)

    async def join(self, line: TimeLine | None = None) -> AsyncIterator[WatchResponse]:
        """One viewer's parts, from the next key frame on, until the camera is no longer recorded here. line: as of `Seat`."""
        if self._is_over:
            return
        seat = Seat(self._limit, line)
        if self._init:
            seat.init_changed(self._init)
        self._seats.add(seat)
        if len(self._seats) == 1:
            self._watch(self)
        try:
            async for response in seat.parts():
                yield response
        finally:
            self._seats.discard(seat)
            if not self._seats:
                self._init = b""
                self._watch(None)

    def init_changed(self, init: bytes) -> None:
        self._init = init
        for seat in self._seats:
            seat.init_changed(init)

    def part_came(self, part: LivePart) -> None:
        for seat in self._seats:
            seat.part_came(part)

    def end(self) -> None:
        """The camera has left."""
        self._is_over = True
        for seat in self._seats:
            seat.end()
