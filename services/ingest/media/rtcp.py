"""The camera's wall clock, by its RTCP sender reports (RFC 3550 §6.4.1)."""

from collections import deque
from struct import unpack_from

_NTP_EPOCH = 2_208_988_800                                   # s from 1900 to 1970
_ERA = 1 << 32                                               # s; NTP seconds wrap in 2036
_SENDER_REPORT = 200
_REPORTS = 8


class CameraClock:
    """Camera's clock minus ours. A report was sent before it was read and, but for the network's delay, after the socket was last found empty.

    The estimate is the middle of what the last reports have in common; a report that contradicts them (the camera's clock was set) starts anew.
    """

    def __init__(self) -> None:
        self._bounds: deque[tuple[int, int]] = deque(maxlen=_REPORTS)
        self.offset_ns: int | None = None                    # None: no report yet

    def report(self, packet: memoryview, after_ns: int, before_ns: int) -> None:
        """Any RTCP packet, and the two readings of our clock (UTC) between which it came. What is no sender report is passed over."""
        for sent_ns in _sent_times(packet, before_ns):
            bound = sent_ns - before_ns, sent_ns - after_ns
            self._bounds.append(bound)
            low, high = max(low for low, _ in self._bounds), min(high for _, high in self._bounds)
            if low > high + 1_000_000:
                self._bounds.clear()
                self._bounds.append(bound)
                low, high = bound
            self.offset_ns = (low + high) // 2


def _sent_times(packet: memoryview, now_ns: int) -> list[int]:
    """UTC in ns, by the camera, of the sender reports in a compound packet. A clock that reads zero is no clock."""
    found, position = [], 0
    while position + 4 <= len(packet):
        size = 4 + 4 * (packet[position + 2] << 8 | packet[position + 3])
        if packet[position] >> 6 != 2 or position + size > len(packet):
            break
        if packet[position + 1] == _SENDER_REPORT and size >= 28:
            seconds, fraction = unpack_from(">II", packet, position + 8)
            if seconds:
                found.append(_nearest_era(seconds, now_ns) * 1_000_000_000 + (fraction * 1_000_000_000 >> 32))
        position += size
    return found


def _nearest_era(seconds: int, now_ns: int) -> int:
    unix = seconds - _NTP_EPOCH
    return unix + _ERA if now_ns // 1_000_000_000 - unix > _ERA // 2 else unix
