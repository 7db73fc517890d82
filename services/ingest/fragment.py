"""Samples to `moof` + `mdat`, for the file and for viewers alike."""

from collections.abc import Sequence
from itertools import pairwise

from vonglau.media.fmp4 import VIDEO, Run, Sync, fragment_header

_UNKNOWN = 3600                                              # ticks: the duration of a single sample that nothing follows

Audio = tuple[Run, list[bytes]]


def video_run(times: Sequence[int], sizes: Sequence[int], following: int, offset: int, *, key: bool) -> Run:
    """Decoding times are the presentation times in order, so B-frames get signed composition offsets. `offset` moves the time line to UTC."""
    ordered = sorted(times)
    durations = [later - earlier for earlier, later in pairwise(ordered)]
    last = following - ordered[-1]
    durations.append(last if last > 0 else (durations[-1] if durations else _UNKNOWN))
    compositions = None if ordered == list(times) else [shown - decoded for shown, decoded in zip(times, ordered, strict=True)]
    return Run(VIDEO, ordered[0] + offset, durations, sizes, Sync.FIRST if key else Sync.NONE, compositions)


def fragment(sequence: int, video: Run, data: bytes | bytearray, audio: Audio | None) -> list[bytes | bytearray]:
    """The pieces of one pair, in order; `data` is not copied."""
    if audio is None:
        return [fragment_header(sequence, (video,)), data]
    run, units = audio
    return [fragment_header(sequence, (video, run)), data, b"".join(units)]
