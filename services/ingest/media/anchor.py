"""Where a connection's own time line stands in UTC, by arrival: what comes can be late, never early, so the least delay of the last seconds counts."""

from collections import deque


class ArrivalAnchor:
    """Offsets are ticks (90 kHz): UTC of arrival - time on the connection's line."""

    def __init__(self, window: int) -> None:
        self._window = window                                # ticks of the time line
        self._delays: deque[tuple[int, int]] = deque()

    def observe(self, time: int, delay: int) -> int:
        """The least delay seen in the GOP that begins at `time`; returns the offset as of now."""
        while self._delays and self._delays[0][0] < time - self._window:
            self._delays.popleft()
        self._delays.append((time, delay))
        return min(delay for _, delay in self._delays)
