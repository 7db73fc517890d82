"""One camera that is recorded here: its session, its viewers, and what is told of its interruptions."""
from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from services.ingest.audience import Audience
from services.ingest.causes import Cause, Interruption, InterruptionBegun
from services.ingest.facts import interruption_begun, interruption_ended
from services.ingest.recorder import Recording
from services.ingest.roster import Listed
from services.ingest.session import CameraSession, DataPlane, Source
from vonglau.ending import ended
from vonglau.ingest.v1.events_pb2 import InterruptionObserved
from vonglau.telemetry import count, names

logger = logging.getLogger(__name__)

AGAIN_S = 1.0  # after a session that failed in a way nobody foresaw


@dataclass(frozen=True)
class Beginning:
    """With what a camera goes on air."""

    listed: Listed
    recording: Recording
    source: Source
    interrupted: tuple[Cause, int]  # why it is not recorded as its session begins, and since when (UTC ns)


class OnAir:
    """Records from now on, until `leave`."""

    def __init__(
        self,
        beginning: Beginning,
        plane: DataPlane,
        *,
        tell: Callable[[InterruptionObserved], None],
        first_recorded: Callable[[str, int, int], None],
        viewer_buffer_bytes: int,
    ) -> None:
        """tell: takes each interruption as it begins and as it ends. first_recorded: camera, epoch, start of the first key frame (UTC ns)."""
        self.listed = beginning.listed
        self.epoch = beginning.recording.epoch
        self.until_ns = beginning.interrupted[1]  # recorded, or the cause is told, up to here; exact once it has left
        self._clock = plane.clock
        self._tell = tell
        self._first_recorded = first_recorded
        self._open: InterruptionObserved | None = None  # the one that lasts
        self._is_first = True
        self._is_leaving = False
        self.session = CameraSession(beginning.recording, beginning.source, plane, self._reported, beginning.interrupted)
        self.audience = Audience(viewer_buffer_bytes, self.session.watch)
        self._task = asyncio.create_task(self._record(), name=f"record {self.listed.camera}")

    @property
    def next_number(self) -> int:
        return self.session.recorder.next_number

    async def leave(self, why: Cause | None = None) -> None:
        """The object is closed, viewers end, and an interruption that lasts ends now. Cancelled half-way, it may be called again.

        why: nothing follows here. The last sample that was read is up to a turn of the drain loop older than that decision; why tells of the time between.
        """
        self._is_leaving = True
        await ended([self._task])
        self.audience.end()
        self.until_ns = self.session.recorder.until_ns or self.until_ns
        if self._open is None and why is not None:
            self._reported(InterruptionBegun(self.listed.camera, why, self.until_ns))
        if self._open is not None:
            self.until_ns = max(self._clock.now_ns(), self._open.begun_ns)
            self._end(self.until_ns)

    async def _record(self) -> None:
        while True:
            try:
                await self.session.run()
            except Exception as error:  # the outer edge: a camera whose session failed is recorded again
                count(names.LOOP_ERRORS, 1, {names.LOOP: "record", names.ERROR_TYPE: type(error).__name__})
                logger.exception("the session of %s failed and begins again", self.listed.camera)
                await asyncio.sleep(AGAIN_S)

    def _reported(self, interruption: Interruption) -> None:
        if isinstance(interruption, InterruptionBegun):
            count(names.INTERRUPTIONS, 1, {names.CAUSE: interruption.cause.value})
            self._open = interruption_begun(interruption, self.listed.owner, self.epoch)
            self._tell(self._open)
            return
        self._end(interruption.at_ns)
        if self._is_first and self.session.recorder.recorded_ns and not self._is_leaving:  # else another cause only took over, or nothing follows here
            self._is_first = False
            self._first_recorded(interruption.camera, self.epoch, interruption.at_ns)

    def _end(self, at_ns: int) -> None:
        if self._open is not None:
            lasting, self._open = self._open, None
            self._tell(interruption_ended(lasting, at_ns))
