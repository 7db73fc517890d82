"""What processes tell each other of a camera: who has started it, and who is turned down by it while another has it."""
from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any

from services.ingest.claims import Claims, Started
from vonglau.errors import Unavailable
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_REFUSED, InterruptionObserved

RETRY_S = 1.0


@dataclass
class Rivals:
    """Of one process, about all cameras."""

    is_on_air: Callable[[str], bool]  # here
    is_spooled: Callable[[str, int], bool]  # camera, UTC ns: anything from then on; blocks
    overtakes: Callable[[str], None]  # takes each camera on air that somebody else has started, or asks for
    started: dict[str, Started] = field(default_factory=dict)  # by camera, who started it last
    _claims: Claims = field(init=False)
    _overtaken: dict[str, int] = field(default_factory=dict)  # camera -> highest epoch under which anybody has started it, or asked for it
    _refused: dict[str, int] = field(default_factory=dict)  # camera -> epoch under which it turns this process down just now
    _starts: asyncio.Queue[tuple[str, int, int]] = field(default_factory=asyncio.Queue)
    _refusals: asyncio.Queue[tuple[str, int]] = field(default_factory=asyncio.Queue)

    def parts(self, claims: Claims) -> Iterable[Coroutine[Any, Any, None]]:
        """What has to run, until cancelled."""
        self._claims = claims
        yield self._notice(claims.starts(), self._take_start)
        yield self._notice(claims.refusals(), self._take_refusal)
        yield self._tell_starts()
        yield self._tell_refusals()

    def overtaken(self, camera: str) -> int:
        """The highest epoch under which anybody has started the camera, or asked for it; 0: nobody has."""
        return self._overtaken.get(camera, 0)

    def is_elsewhere(self, camera: str) -> bool:
        """Whether another process is the last that is known to have started it."""
        start = self.started.get(camera)
        return start is not None and not self._claims.is_own(start)

    def recorded(self, camera: str, epoch: int, first_ns: int) -> None:
        """Others hear of it once this key frame (UTC ns), the first under the epoch, is in the spool."""
        self._starts.put_nowait((camera, epoch, first_ns))

    def interrupted(self, fact: InterruptionObserved) -> None:
        """Of a camera on air here, as it begins or ends."""
        if fact.cause == GAP_CAUSE_REFUSED and not fact.ended_ns:
            self._refused[fact.camera] = fact.epoch
            self._ask_for(fact.camera)
        else:
            self._refused.pop(fact.camera, None)

    def forget(self, camera: str) -> None:
        for known in (self.started, self._overtaken, self._refused):
            known.pop(camera, None)

    def _ask_for(self, camera: str) -> None:
        """Where the camera turns this process down while another records it, in whichever order the two become known."""
        start, epoch = self.started.get(camera), self._refused.get(camera, 0)
        if start is not None and start.epoch < epoch and self.is_elsewhere(camera) and self.is_on_air(camera):
            self._refusals.put_nowait((camera, epoch))

    async def _notice(self, notes: AsyncGenerator[Started, None], take: Callable[[Started], None]) -> None:
        async for note in notes:
            take(note)

    def _take_start(self, start: Started) -> None:
        known = self.started.get(start.camera)
        if known is None or start.epoch > known.epoch:
            self.started[start.camera] = start
            self._overtake(start)
            self._ask_for(start.camera)

    def _take_refusal(self, refusal: Started) -> None:
        if not self._claims.is_own(refusal):
            self._overtake(refusal)

    def _overtake(self, note: Started) -> None:
        if note.epoch > self.overtaken(note.camera):
            self._overtaken[note.camera] = note.epoch
            if self.is_on_air(note.camera):
                self.overtakes(note.camera)

    async def _tell_starts(self) -> None:
        """Whoever records the camera elsewhere stops at this word."""
        while True:
            start = await self._starts.get()
            camera, epoch, first_ns = start
            try:
                if await asyncio.to_thread(self.is_spooled, camera, first_ns):
                    await self._claims.started(camera, epoch, first_ns)
                elif self.is_on_air(camera):
                    asyncio.get_running_loop().call_later(RETRY_S, self._starts.put_nowait, start)
            except Unavailable:
                asyncio.get_running_loop().call_later(RETRY_S, self._starts.put_nowait, start)

    async def _tell_refusals(self) -> None:
        """A camera that turns down a second connection is let go by whoever has the first."""
        while True:
            refusal = await self._refusals.get()
            try:
                await self._claims.refused(*refusal)
            except Unavailable:
                asyncio.get_running_loop().call_later(RETRY_S, self._refusals.put_nowait, refusal)
