from collections import deque

RATE = 90_000

_SLOW = 9_000                                                # ticks: the frame time before any is known, and the longest step after a jump
_STALL = 60 * RATE                                           # ticks: a longer step forward is a jump whatever the arrival says
_SETTLED = 30                                                # frames without reordering: an encoder without B-frames


class Timeline:
    """Turns 32-bit RTP timestamps into one line of ticks from 0 on, over wraps; takes out steps that no camera can have made, and counts them."""

    __slots__ = ("_kept", "_longer", "_recent", "floor", "frame", "jumps", "latest", "reordered", "skipped", "time")

    def __init__(self) -> None:
        self.time = 0                                        # of the open access unit, presentation
        self.latest = -1                                     # of those kept so far
        self.floor = -1                                      # the latest that was handed out; nothing later may lie before it
        self.frame = _SLOW                                   # estimate of one frame time
        self.reordered = False                               # B-frames were seen: presentation order is not decoding order
        self.skipped = False                                 # the last step left out at least one frame
        self.jumps = 0
        self._longer = False
        self._recent: deque[int] = deque(maxlen=8)
        self._kept = 0

    @property
    def nominal_end(self) -> int:
        return self.latest + self.frame

    def advance(self, step: int, waited: int) -> None:
        """`step` is the difference of two timestamps modulo 2^32, `waited` the ticks between the arrivals of their first packets."""
        frame = self.frame
        if step >= 0x80000000:
            step -= 0x100000000
        self.skipped = 2 * step > 3 * frame
        if 0 < step < _STALL and step <= max(5 * frame, waited + RATE):
            self.time += step
            if step > frame and self._longer:                # slowly up again: one long frame is a stall, not a new frame rate
                self.frame = min(step, frame + 1 + (frame >> 6))
            self._longer = step > frame
            if not self._longer:
                self.frame = step
        elif -5 * frame <= step < 0 and self._free(self.time + step):
            self.time += step
            self.frame = min(frame, -step)
            self._longer = False
            self.reordered = True
        else:
            self.jumps += 1
            self.time = max(self.latest, self.time) + (waited if waited > RATE else min(frame, _SLOW))

    @property
    def settled(self) -> bool:
        """Whether it is known if the encoder sends B-frames."""
        return self.reordered or self._kept >= _SETTLED

    def unsettle(self) -> None:
        """The encoder changed its parameters: from now on it may send B-frames."""
        self._kept = 0

    def keep(self) -> None:
        """The open access unit is kept."""
        self.latest = max(self.latest, self.time)
        self._recent.append(self.time)
        self._kept += 1

    def _free(self, time: int) -> bool:
        """Whether a B-frame may be shown then: after what was handed out, not in place of another frame, and in a stream that has had some from its start."""
        possible = self.reordered or not self.settled
        return possible and time > self.floor and all(8 * abs(time - other) > self.frame for other in self._recent)

    def end_before(self, following: int) -> int:
        """Where the last access unit ends when the next one in decoding order begins at `following`.

        Leading pictures of an open GOP are shown before its key frame but come after it.
        """
        if self.reordered and following - self.latest <= 5 * self.frame:
            return self.nominal_end
        return following
