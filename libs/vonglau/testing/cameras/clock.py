"""A camera's own clock: seconds since it was switched on, and the time of day it believes in."""

import time
from collections.abc import Callable

NTP_EPOCH = 2_208_988_800  # seconds from 1900 (NTP) to 1970 (Unix)


class CameraClock:
    """Runs at `1 + drift` of the machine's monotonic clock. Frames are numbered on it, so it never steps; only the time of day does."""

    def __init__(self, started_at: float = 0.0, *, monotonic: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time) -> None:
        self._monotonic = monotonic
        self._anchor = monotonic()
        self._seconds = started_at
        self._rate = 1.0
        self._midnight = wall() - started_at

    def seconds(self) -> float:
        return self._seconds + (self._monotonic() - self._anchor) * self._rate

    def time_of_day(self) -> float:
        """Unix time as the camera has it, before any offset that a fault adds; it drifts with the clock."""
        return self._midnight + self.seconds()

    def drift(self, share: float) -> None:
        """From now on run faster (0.02: two per cent) or slower."""
        self._seconds, self._anchor = self.seconds(), self._monotonic()
        self._rate = 1.0 + share


def ntp(unix: float) -> int:
    """64 bit NTP time stamp of RFC 3550 §4: seconds since 1900 in the upper half, parts of a second in the lower."""
    return (int((unix + NTP_EPOCH) * (1 << 32))) & 0xFFFF_FFFF_FFFF_FFFF
