RATE = 90_000

_SLOW = 9_000                                                # ticks: the frame time before any is known, and the longest step after a jump
_STALL = 60 * RATE                                           # ticks: a longer step forward is a jump whatever the arrival says


class Timeline:
    """Turns 32-bit RTP timestamps into one line of ticks from 0 on, over wraps; takes out steps that no camera can have made, and counts them."""

    __slots__ = ("_longer", "floor", "frame", "jumps", "latest", "reordered", "skipped", "time")

    def __init__(self) -> None:
        self.time = 0                                        # of the open access unit, presentation
        self.latest = -1                                     # of those kept so far
        self.floor = -1                                      # the latest that was handed out; nothing later may lie before it
        self.frame = _SLOW                                   # estimate of one frame time
        self.reordered = False                               # B-frames were seen: presentation order is not decoding order
        self.skipped = False                                 # the last step left out at least one frame
        self.jumps = 0
        self._longer = False

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
        elif -5 * frame <= step < 0 and self.time + step > self.floor:
            self.time += step
            self.reordered = True
        else:
            self.jumps += 1
            self.time = max(self.latest, self.time) + (waited if waited > RATE else min(frame, _SLOW))

    def end_before(self, following: int) -> int:
        """Where the last access unit ends when the next one in decoding order begins at `following`.

        Leading pictures of an open GOP are shown before its key frame but come after it.
        """
        if self.reordered and following - self.latest <= 5 * self.frame:
            return self.nominal_end
        return following
