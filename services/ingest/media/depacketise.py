"""Interleaved RTP (RFC 2326 §10.12) of one video track to groups of pictures: H.264 by RFC 6184, H.265 by RFC 7798, in one pass over what was read.

Coded bytes go straight into one buffer per GOP, already in MP4 form; nothing per packet survives the pass.
"""

from collections.abc import Callable
from struct import Struct

from services.ingest.media.between import message_between
from services.ingest.media.errors import DamagedStream
from services.ingest.media.gop import Gop, ParameterSets
from services.ingest.media.timeline import RATE, Timeline
from vonglau.media.errors import DamagedMedia
from vonglau.media.parameter_sets import Codec, complete, set_key

# '$', channel, length; RTP: flags, marker and type, sequence, timestamp, source; the first two bytes of payload
_HEADERS = Struct(">BBHBBHIIBB").unpack_from
_LENGTH = Struct(">I").pack_into
_NEVER = 0x7FFF_FFFF_FFFF_FFFF

OnGop = Callable[[Gop], None]
OnOther = Callable[[int, memoryview], None]                  # channel, the packet; the view is valid during the call only
OnText = Callable[[bytes], None]


class Depacketiser:
    """Contract: `feed(buffer, view, n)` takes the whole frames out of `buffer[:n]`, returns how many bytes it took, and is called again with the rest in front.

    `arrival` (ticks, UTC or any other line) is set by the caller before each `feed`. Raises `DamagedStream`; after that only `finish` may be called.
    """

    __slots__ = (
        "_bad", "_cap_bytes", "_cap_ticks", "_channel", "_codec", "_current", "_damaged", "_data", "_delay", "_expected", "_first_hole", "_first_key",
        "_frame_arrival", "_gap", "_hole", "_jumps", "_key", "_lost", "_marked", "_nal", "_pending", "_sets", "_sizes", "_times", "_unit", "_waiting",
        "arrival", "damaged", "lost", "on_gop", "on_other", "on_text", "packets", "parameters", "timeline",
    )

    def __init__(
        self, codec: Codec, on_gop: OnGop, *, channel: int = 0, parameter_sets: tuple[bytes, ...] = (), cap_seconds: int = 10, cap_bytes: int = 16 << 20,
        on_other: OnOther | None = None, on_text: OnText | None = None,
    ) -> None:
        self.on_gop, self.on_other, self.on_text = on_gop, on_other or ignore, on_text
        self.arrival = 0
        self.packets = self.lost = self.damaged = 0
        self.timeline = Timeline()
        self._codec: Codec = codec
        self._channel = channel
        self._cap_ticks, self._cap_bytes = cap_seconds * RATE, cap_bytes
        self._sets: dict[tuple[int, int], bytes] = {}
        self._pending: dict[tuple[int, int], bytes] = {}
        for nal in parameter_sets:
            self._parameter_set(nal)
        self._sets, self._pending = self._pending, {}
        self.parameters = ParameterSets(codec, tuple(self._sets.values()))
        self._expected = self._current = -1                  # sequence number, timestamp of the open access unit
        self._frame_arrival = 0                              # of the first packet of the open access unit
        self._data, self._times, self._sizes = bytearray(), list[int](), list[int]()
        self._unit, self._nal = 0, -1                        # where in _data the open access unit and the open fragmented NAL unit begin
        self._key = self._bad = self._gap = self._marked = False
        self._hole = self._first_hole = self._first_key = False
        self._waiting = True                                 # for the first key frame with its parameter sets
        self._delay = _NEVER
        self._lost = self._damaged = self._jumps = 0         # as of the GOP before

    @property
    def recording(self) -> bool:
        """Whether a first key frame has come."""
        return not self._waiting

    @property
    def opens_with_key(self) -> bool:
        """Whether the GOP being received begins with its key frame."""
        return self._first_key

    def open_samples(self) -> tuple[bytearray, list[int], list[int], int]:
        """The GOP being received, not to be kept or changed: its bytes, times and sizes of the closed access units, and the time of the open one."""
        return self._data, self._times, self._sizes, self.timeline.time

    def finish(self) -> None:
        """The connection is over: hands out what is whole. An access unit whose marker has not come is dropped."""
        if self._marked and self._current >= 0:
            self._close_unit(self._current + self.timeline.frame & 0xFFFFFFFF)
        self._flush(self.timeline.nominal_end)
        self._data, self._unit, self._nal, self._current, self._expected, self._waiting = bytearray(), 0, -1, -1, -1, True

    def feed(self, buffer: bytearray | bytes, view: memoryview, n: int) -> int:
        """Runs once per packet, some 400 times a second and camera: what is seldom stands apart, what is not stands here, and state is in local names."""
        position = packets = 0
        video, h265, expected, current, marked = self._channel, self._codec == "h265", self._expected, self._current, self._marked
        mask, fragment, head = (0x7E, 49 << 1, 3) if h265 else (0x1F, 28, 2)  # where a NAL unit's type stands; that of a fragment; bytes before its content
        data, nal, last = self._data, self._nal, n - 18
        while position <= last:
            magic, channel, length, flags, marker, sequence, timestamp, _, first, second = _HEADERS(buffer, position)
            end = position + 4 + length
            if magic != 36:
                text = self._text(view[position:n])
                if not text:
                    break
                position += text
                continue
            if end > n:
                break
            if channel != video:
                self.on_other(channel, view[position + 4:end])
                position = end
                continue
            packets += 1
            if sequence != expected and expected >= 0:
                missing = sequence - expected & 0xFFFF
                if missing > 0x8000:                         # late or doubled
                    position = end
                    continue
                self._gap = timestamp != current
                nal = self._miss(missing, nal, marked)
            expected = sequence + 1 & 0xFFFF
            if timestamp != current:
                self._nal = nal
                self._close_unit(timestamp)
                current, data, nal = timestamp, self._data, -1
            marked = marker > 0x7F
            at, stop = position + 16, end
            if flags != 0x80:
                at, stop = self._payload(buffer, position, end)
                first, second = buffer[at], buffer[at + 1]
            position = end
            if stop - at <= head:                            # no more than headers: nothing to keep
                continue
            if first & mask != fragment:
                if nal >= 0:
                    nal = self._end(nal)
                self._whole(view[at:stop])
                continue
            header = buffer[at + 2] if h265 else second
            if header & 0xC0:
                nal = self._edge(header, first, second, view[at + head:stop], nal)
            elif nal >= 0:
                data += view[at + head:stop]
            else:
                self._bad = True
        self._expected, self._nal, self._marked = expected, nal, marked
        self.packets += packets
        if len(self._data) > 2 * self._cap_bytes:
            raise DamagedStream("an access unit does not end")
        return position

    def _text(self, rest: memoryview) -> int:
        """How long the message of RTSP is that stands between frames; 0: it is not whole yet."""
        text = message_between(rest)
        if text and self.on_text is not None:
            self.on_text(text)
        return len(text)

    def _miss(self, missing: int, nal: int, marked: bool) -> int:
        """Packets are lost. The prefix of an open NAL unit stays: decoders conceal it, and the key frames keep their places."""
        self.lost += missing
        self._bad = self._bad or nal >= 0 or not marked
        return self._end(nal) if nal >= 0 else nal

    def _edge(self, header: int, first: int, second: int, content: memoryview, nal: int) -> int:
        """The first or the last fragment of a NAL unit; where the unit that is open then begins, or -1."""
        data = self._data
        if header & 0x80:
            if nal >= 0:                                     # the one before had no end bit
                self._end(nal)
            nal = len(data)
            if self._codec == "h265":
                kind = header & 63
                is_key = 16 <= kind <= 23
                data += bytes((0, 0, 0, 0, first & 0x81 | kind << 1, second))
            else:
                kind = header & 31
                is_key = kind == 5
                data += bytes((0, 0, 0, 0, first & 0xE0 | kind))
            if is_key:
                self._key = True
        if nal < 0:
            self._bad = True
            return nal
        data += content
        if header & 0x40:
            _LENGTH(data, nal, len(data) - nal - 4)
            return -1
        return nal

    def _end(self, nal: int) -> int:
        """Write the open NAL unit's length before it; -1: none is open any more."""
        _LENGTH(self._data, nal, len(self._data) - nal - 4)
        return -1

    def _whole(self, payload: memoryview) -> None:
        """A packet that holds one NAL unit, or several in an aggregation packet."""
        h265 = self._codec == "h265"
        if (payload[0] >> 1 & 63 == 48) if h265 else (payload[0] & 31 == 24):
            position, size = (2 if h265 else 1), len(payload)
            while position + 2 < size:
                length = payload[position] << 8 | payload[position + 1]
                position += 2
                if position + length > size:
                    self._bad = True
                    return
                if length > 1:
                    self._nal_unit(payload[position:position + length])
                position += length
        else:
            self._nal_unit(payload)

    def _nal_unit(self, nal: memoryview) -> None:
        if self._codec == "h265":
            kind = nal[0] >> 1 & 63
            is_set, key, left_out = 32 <= kind <= 34, 16 <= kind <= 23, kind == 35 or kind >= 48
        else:
            kind = nal[0] & 31
            is_set, key, left_out = kind in (7, 8), kind == 5, kind == 9 or kind == 0 or kind >= 24
        if is_set:
            self._parameter_set(bytes(nal))
        elif not left_out:
            self._key = self._key or key
            self._data += len(nal).to_bytes(4, "big")
            self._data += nal
        elif kind >= 24 and kind != 35:                      # an interleaved or private packet form
            self._bad = True

    def _parameter_set(self, nal: bytes) -> None:
        """Sets are repeated before each key frame; only other bytes are a change, and it counts from the next key frame on."""
        if not self._pending and nal in self._sets.values():
            return
        try:
            self._pending[set_key(self._codec, nal)] = nal
        except DamagedMedia:
            self._bad = True

    def _payload(self, buffer: bytearray | bytes, position: int, end: int) -> tuple[int, int]:
        """Where the payload begins and ends when the RTP header carries contributing sources, an extension or padding."""
        flags = buffer[position + 4]
        if flags & 0xC0 != 0x80:
            raise DamagedStream("a frame on the video channel is no RTP")
        at = position + 16 + 4 * (flags & 15)
        if flags & 0x10 and at + 4 <= end:
            at += 4 + 4 * (buffer[at + 2] << 8 | buffer[at + 3])
        stop = end - buffer[end - 1] if flags & 0x20 else end
        return (at, stop) if at + 2 <= stop else (position, position)

    def _close_unit(self, timestamp: int) -> None:
        """The open access unit is whole; `timestamp` is that of the next one."""
        if self._nal >= 0:
            self._nal = self._end(self._nal)
        if self._current >= 0:
            self._keep_unit()
            self.timeline.advance(timestamp - self._current & 0xFFFFFFFF, self.arrival - self._frame_arrival)
            self._hole = self._gap and self.timeline.skipped
        self._frame_arrival = self.arrival
        self._unit = len(self._data)
        self._key = self._bad = self._gap = False
        self._current = timestamp

    def _keep_unit(self) -> None:
        self.damaged += self._bad
        line, size = self.timeline, len(self._data) - self._unit
        time = line.time
        starts = self._key and self._ready()
        if size == 0 or (self._waiting and not starts):
            del self._data[self._unit:]
            return
        if starts:
            self._flush(time)
            self._take_parameter_sets()
            self._first_key, self._first_hole, self._waiting = True, self._hole, False
        elif time > line.latest and self._times and (time - self._times[0] >= self._cap_ticks or len(self._data) >= self._cap_bytes):
            self._flush(time)
        self._times.append(time)
        self._sizes.append(size)
        line.keep()
        self._delay = min(self._delay, self._frame_arrival - time)

    def _ready(self) -> bool:
        """Whether a key frame now could be decoded: a set of each kind is known."""
        return not self._waiting or complete(self._codec, (*self._sets.values(), *self._pending.values()))

    def _take_parameter_sets(self) -> None:
        if self._pending:
            held = {**self._pending, **{key: nal for key, nal in self._sets.items() if key not in self._pending}}       # the newest first: it names the format
            self._sets, self._pending = held, {}
            if set(held.values()) != set(self.parameters.nals):
                self.parameters = ParameterSets(self._codec, tuple(held.values()))
                self.timeline.unsettle()

    def _flush(self, following: int) -> None:
        """Hands out the closed access units; the open one, behind `_unit`, stays. `following` is its time."""
        if not self._times:
            return
        line, rest = self.timeline, self._data[self._unit:]
        del self._data[self._unit:]
        following = line.nominal_end if self._hole else line.end_before(following)
        gop = Gop(
            self._data, self._times, self._sizes, self._first_key, following, self.parameters, self._delay, self.lost - self._lost,
            self.damaged - self._damaged, line.jumps - self._jumps, self._first_hole,
        )
        self._lost, self._damaged, self._jumps, self._delay, line.floor = self.lost, self.damaged, line.jumps, _NEVER, line.latest
        self._data, self._times, self._sizes, self._unit, self._first_key, self._first_hole = rest, [], [], 0, False, False
        self.on_gop(gop)


def ignore(_channel: int, _packet: memoryview) -> None:
    """Nobody wants what is not video."""
