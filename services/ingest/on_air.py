"""One camera that is recorded here: its session, its viewers, and what is told of its interruptions."""
from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from services.ingest.audience import Audience
from services.ingest.causes import Cause, Interruption, InterruptionBegun, InterruptionEnded
from services.ingest.facts import interruption_observed
from services.ingest.recorder import Recording
from services.ingest.roster import Listed
from services.ingest.session import CameraSession, DataPlane, Source
from vonglau.ingest.v1.events_pb2 import InterruptionObserved
from vonglau.telemetry import count, names


@dataclass(frozen=True)
class Beginning:
    """With what a camera goes on air."""

    listed: Listed
    recording: Recording
    source: Source
    interrupted: tuple[Cause, int]  # why it is not recorded as its session begins, and since when (UTC ns)
    closes_epoch: int  # told with the first interruption; 0: nothing to tell


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
        self._clock = plane.clock
        self._tell = tell
        self._first_recorded = first_recorded
        self._closes_epoch = beginning.closes_epoch
        self._open: InterruptionBegun | None = None
        self._is_first = True
        self.session = CameraSession(beginning.recording, beginning.source, plane, self._reported, beginning.interrupted)
        self.audience = Audience(viewer_buffer_bytes, self.session.watch)
        self._task = asyncio.create_task(self.session.run(), name=f"record {self.listed.camera}")

    @property
    def next_number(self) -> int:
        return self.session.recorder.next_number

    @property
    def until_ns(self) -> int:
        """End of what was recorded; where nothing was, the instant since when it should have been."""
        return self.session.recorder.until_ns or self.listed.meant_since_ns

    async def leave(self) -> None:
        """The object is closed, viewers end, and an interruption that lasts ends now."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self.audience.end()
        if self._open is not None:
            begun = self._open
            self._reported(InterruptionEnded(begun.camera, begun.cause, begun.at_ns, max(self._clock.now_ns(), begun.at_ns)), is_recorded=False)

    def _reported(self, interruption: Interruption, *, is_recorded: bool = True) -> None:
        closes = 0
        if isinstance(interruption, InterruptionBegun):
            self._open = interruption
            closes, self._closes_epoch = self._closes_epoch, 0
            count(names.INTERRUPTIONS, 1, {names.CAUSE: interruption.cause.value})
        else:
            self._open = None
            if self._is_first and is_recorded:
                self._is_first = False
                self._first_recorded(interruption.camera, self.epoch, interruption.at_ns)
        self._tell(interruption_observed(interruption, self.listed.owner, self.epoch, closes))
