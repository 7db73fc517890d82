"""AAC over RTP by RFC 3640 (MPEG4-GENERIC, the AAC-hbr and AAC-lbr modes)."""

from dataclasses import dataclass, field
from itertools import pairwise

from services.ingest.media.anchor import ArrivalAnchor
from vonglau.media.fmp4 import AUDIO, Run, Sync
from vonglau.media.ticks import to_ticks

_SAMPLES = 1024                                              # of one AAC frame, ISO/IEC 14496-3
_WINDOW = 10                                                 # s of arrivals that an anchor looks back
_KEPT = 4096                                                 # access units: more than the longest GOP holds; a camera without key frames must not fill memory


@dataclass(frozen=True, slots=True)
class AacFraming:
    """How long the fields of an AU header are, in bits, by the SDP's fmtp line."""

    size: int = 13
    index: int = 3
    index_delta: int = 3


@dataclass(slots=True)
class AacDepacketiser:
    """Collects access units; `take` hands them out as one run. Times are ticks of the audio rate; they run on until `reanchor` sets them by arrival again."""

    rate: int                                                # Hz
    framing: AacFraming = AacFraming()
    damaged: int = 0
    tap: list[tuple[int, bytes]] | None = None               # while watched: gets every unit too
    _units: list[tuple[int, bytes]] = field(default_factory=list)
    _timestamp: int | None = None
    _time: int = 0
    _offset: int | None = None                               # UTC of arrival - time
    _least: int | None = None                                # delay since the last `take`
    _anchor: ArrivalAnchor = field(init=False)

    def __post_init__(self) -> None:
        self._anchor = ArrivalAnchor(_WINDOW * self.rate)

    def feed(self, packet: memoryview, arrival_ns: int) -> None:
        """One RTP packet. What can't be read is counted and left out."""
        at = _payload_start(packet)
        bits = int.from_bytes(packet[at:at + 2], "big")
        header = self.framing.size + self.framing.index
        count = 1 + (bits - header) // max(1, self.framing.size + self.framing.index_delta) if bits >= header else 0
        data = at + 2 + (bits + 7) // 8
        if data > len(packet) or not count:
            self.damaged += 1
            return
        time = self._advance(int.from_bytes(packet[4:8], "big"))
        delay = to_ticks(arrival_ns, self.rate) - time
        self._least = delay if self._least is None else min(self._least, delay)
        headers = int.from_bytes(packet[at + 2:data], "big") >> (-bits % 8)
        self._split(packet, data, bits, count, headers, time)

    def take(self) -> tuple[Run, list[bytes]] | None:
        """The units so far as one run and their bytes, None if there are none."""
        if not self._units:
            return None
        if self._least is not None:
            seen = self._anchor.observe(self._units[0][0], self._least)
            self._offset = seen if self._offset is None else self._offset
            self._least = None
        units, self._units = self._units, []
        return self._run(units)

    def take_tapped(self) -> tuple[Run, list[bytes]] | None:
        """The units of the tap, on the same time line."""
        if not self.tap:
            return None
        units, self.tap = self.tap, []
        return self._run(units)

    def reanchor(self) -> None:
        """A new object begins: its first unit is placed by arrival."""
        self._offset = None

    def _run(self, units: list[tuple[int, bytes]]) -> tuple[Run, list[bytes]]:
        times = [time for time, _ in units]
        data = [unit for _, unit in units]
        durations = [max(1, later - earlier) for earlier, later in pairwise(times)] + [_SAMPLES]
        offset = self._offset if self._offset is not None else self._least or 0
        return Run(AUDIO, times[0] + offset, durations, [len(unit) for unit in data], Sync.ALL), data

    def _advance(self, timestamp: int) -> int:
        if self._timestamp is not None:
            step = timestamp - self._timestamp & 0xFFFFFFFF
            self._time += step if step < 60 * self.rate else _SAMPLES
        self._timestamp = timestamp
        return self._time

    def _split(self, packet: memoryview, data: int, bits: int, count: int, headers: int, time: int) -> None:
        left, index = bits, self.framing.index
        for number in range(count):
            left -= self.framing.size
            size = headers >> left & (1 << self.framing.size) - 1
            left -= index
            index = self.framing.index_delta
            if data + size > len(packet):
                self.damaged += 1
                return
            if size:
                unit = time + number * _SAMPLES, bytes(packet[data:data + size])
                for units in (self._units, self.tap):
                    if units is not None and len(units) < _KEPT:
                        units.append(unit)
            data += size


def _payload_start(packet: memoryview) -> int:
    at = 12 + 4 * (packet[0] & 15)
    if packet[0] & 0x10 and at + 4 <= len(packet):
        at += 4 + 4 * (packet[at + 2] << 8 | packet[at + 3])
    return at
