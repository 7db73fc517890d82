"""A strip of black and white blocks beside the digits: frame counter and clock for a program that looks at the picture.

Three rows of 32 blocks: 32 bit counter; 48 bit clock in milliseconds (scene time, or Unix time in a live scene); 16 bit check.
It survives scaling of the picture as a whole and any bitrate at which the digits can be read.
"""

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ROWS, COLUMNS = 3, 32
Picture = NDArray[np.uint8]


class UnreadableStripError(ValueError):
    """The strip is not in the picture, or the picture is damaged there."""


@dataclass(frozen=True, slots=True)
class Reading:
    counter: int
    clock: float  # seconds


def edges(count: int, width: int) -> NDArray[np.int64]:
    """Pixels at which `count` blocks begin, and where the last one ends: a block is a 48th of the picture's width."""
    bounds: NDArray[np.int64] = np.rint(np.arange(count + 1) * (width / 48)).astype(np.int64)
    return bounds


def strip_height(width: int) -> int:
    return int(edges(ROWS, width)[-1])


def blocks(counter: int, clock: float) -> NDArray[np.bool_]:
    """Rows × columns; true is white."""
    told = (counter & 0xFFFFFFFF).to_bytes(4, "big") + round(clock * 1000).to_bytes(6, "big")
    bits = np.unpackbits(np.frombuffer(told + check(told), np.uint8))
    return bits.reshape(ROWS, COLUMNS).astype(np.bool_)


def check(told: bytes) -> bytes:
    return (zlib.crc32(told) & 0xFFFF).to_bytes(2, "big")


def paint(picture: Picture, counter: int, clock: float) -> None:
    """Draw the strip into the upper left corner of `picture` (height, width, channels), in place."""
    rows, columns = edges(ROWS, picture.shape[1]), edges(COLUMNS, picture.shape[1])
    white = np.where(blocks(counter, clock), 235, 16).astype(np.uint8)
    picture[: rows[-1], : columns[-1]] = white.repeat(np.diff(rows), 0).repeat(np.diff(columns), 1)[:, :, None]


def read_strip(picture: Picture) -> Reading:
    """Counter and clock of a decoded picture, (height, width) luma or (height, width, 3) RGB. Raises UnreadableStripError."""
    size = picture.shape[1] / 48
    luma = picture if picture.ndim == 2 else picture.mean(axis=2)
    rows, columns = (((np.arange(n) + 0.5) * size).astype(np.int64) for n in (ROWS, COLUMNS))
    reach = max(1, int(size) // 4)
    near = [luma[np.ix_(rows + dy, columns + dx)] for dy in range(-reach, reach + 1) for dx in range(-reach, reach + 1)]
    told = np.packbits(np.mean(near, axis=0) > 125).tobytes()
    if check(told[:10]) != told[10:]:
        raise UnreadableStripError("the check of the strip is wrong: no strip there, or a damaged picture")
    return Reading(int.from_bytes(told[:4], "big"), int.from_bytes(told[4:10], "big") / 1000)


def read_clock(picture: Picture) -> float:
    """Seconds: scene time, or Unix time where the scene is drawn live."""
    return read_strip(picture).clock


def read_counter(picture: Picture) -> int:
    """The frame's number: its place in the loop, or the count since a live scene began."""
    return read_strip(picture).counter
