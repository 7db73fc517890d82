from dataclasses import dataclass

from vonglau.media.parameter_sets import Codec


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """What a decoder needs before the first key frame; equal when the bytes are."""

    codec: Codec
    nals: tuple[bytes, ...]


@dataclass(slots=True)
class Gop:
    """Access units from one key frame to the next, or up to the cap. Times are ticks of 90 kHz on the connection's own time line, which starts at 0."""

    data: bytearray                                          # length-prefixed NAL units, access unit after access unit
    times: list[int]                                         # presentation, in decoding order
    sizes: list[int]                                         # bytes
    key: bool                                                # the first access unit is a key frame
    following: int                                           # where the next access unit begins; nominal after the last of a connection
    parameters: ParameterSets
    delay: int                                               # the least (arrival - time) of its frames, in ticks
    lost: int                                                # RTP packets missing since the GOP before
    damaged: int                                             # access units that miss packets
    jumps: int                                               # steps of the camera's media clock that were taken out
    hole: bool = False                                       # whole frames are missing before the first access unit

    @property
    def start(self) -> int:
        return min(self.times)
