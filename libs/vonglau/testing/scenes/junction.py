"""The junction's truth: who is where at any scene time, without drawing anything.

Boxes are (left, top, right, bottom) in parts of the picture's width and height, 0 to 1, so the same truth holds for every size.
Movement repeats with the loop, so the seam shows nobody jump; track ids run on over the seam.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Kind = Literal["car", "motorcycle", "bus", "person"]
Box = tuple[float, float, float, float]

# Size along and across the direction of movement, in parts of the picture's height.
SIZES: dict[Kind, tuple[float, float]] = {"bus": (0.22, 0.085), "car": (0.13, 0.07), "motorcycle": (0.07, 0.035), "person": (0.035, 0.05)}
ASPECT = 16 / 9
# Actors enter and leave this far outside the picture, in parts of the movement's axis.
MARGIN = 0.2
LINE = 0.5  # counting lines stand in the middle of each axis


@dataclass(frozen=True, slots=True)
class Seen:
    """An object in the picture; `box` is cut at the picture's edges."""

    track: int
    kind: Kind
    box: Box


@dataclass(frozen=True, slots=True)
class Crossing:
    """A track's middle passes the counting line of its axis: `east`, `west`, `south` or `north` is where it goes."""

    at: float
    track: int
    kind: Kind
    direction: Literal["east", "west", "south", "north"]


@dataclass(frozen=True, slots=True)
class Actor:
    number: int
    kind: Kind
    horizontal: bool
    forward: bool
    lane: float  # middle across the axis, in parts of the picture
    phase: float  # 0–1 of a lap at scene time 0
    laps: int  # passes per loop
    colour: tuple[int, int, int]

    def progress(self, t: float, loop: float) -> tuple[int, float]:
        """Which pass this is, counted from scene time 0, and the middle's place on the axis (0 to 1 is inside the picture)."""
        turns = t / loop * self.laps + self.phase
        lap = int(turns // 1)
        share = (turns - lap) * (1 + 2 * MARGIN) - MARGIN
        return lap, share if self.forward else 1 - share

    def whole_box(self, t: float, loop: float) -> Box:
        """The box before it is cut at the picture's edges."""
        _, middle = self.progress(t, loop)
        along, across = SIZES[self.kind]
        if self.horizontal:
            half, side = along / ASPECT / 2, across / 2
            return middle - half, self.lane - side, middle + half, self.lane + side
        half, side = along / 2, across / ASPECT / 2
        return self.lane - side, middle - half, self.lane + side, middle + half

    def track(self, lap: int) -> int:
        return lap * 100 + self.number

    def crossings(self, loop: float, begin: float, end: float) -> Iterator[Crossing]:
        """The middle is on the line half a lap after it entered."""
        lap_seconds = loop / self.laps
        lap = int(begin // lap_seconds) - 1
        while (at := (lap + 0.5 - self.phase) * lap_seconds) < end:
            if at >= begin:
                yield Crossing(at, self.track(lap), self.kind, self.direction)
            lap += 1

    @property
    def direction(self) -> Literal["east", "west", "south", "north"]:
        if self.horizontal:
            return "east" if self.forward else "west"
        return "south" if self.forward else "north"


class Junction:
    """The same seed and loop length give the same junction, in every process."""

    def __init__(self, seed: int, seconds: Fraction | float) -> None:
        self.seed = seed
        self.loop = float(seconds)
        self.actors = tuple(cast(random.Random(seed), self.loop))  # noqa: S311 - traffic, not secrets

    def seen(self, t: float) -> list[Seen]:
        """Everything at least partly in the picture at scene time `t` (seconds)."""
        return [Seen(actor.track(actor.progress(t, self.loop)[0]), actor.kind, box) for actor in self.actors if (box := visible(actor.whole_box(t, self.loop)))]

    def crossings(self, begin: float, end: float) -> list[Crossing]:
        """All crossings with begin ≤ at < end, in order of time."""
        return sorted((c for actor in self.actors for c in actor.crossings(self.loop, begin, end)), key=lambda c: (c.at, c.track))


def visible(box: Box) -> Box | None:
    left, top, right, bottom = max(box[0], 0.0), max(box[1], 0.0), min(box[2], 1.0), min(box[3], 1.0)
    return (left, top, right, bottom) if left < right and top < bottom else None


def cast(chance: random.Random, loop: float) -> Iterator[Actor]:
    """Vehicles keep to the right-hand lanes of both roads, people to the crossings beside them."""
    kinds: list[Kind] = ["car", "motorcycle", "motorcycle", "car", "motorcycle", "bus"]
    for number in range(20):
        horizontal, forward = number % 4 < 2, number % 2 == 0
        person = number >= 16
        kind: Kind = "person" if person else kinds[number % len(kinds)]
        yield Actor(
            number=number,
            kind=kind,
            horizontal=horizontal,
            forward=forward,
            lane=lane_of(horizontal, forward, person) + chance.uniform(-0.02, 0.02),
            phase=chance.random(),
            laps=max(1, round(loop / (chance.uniform(18, 25) if person else chance.uniform(4, 9)))),
            colour=(chance.randrange(40, 230), chance.randrange(40, 230), chance.randrange(40, 230)),
        )


def lane_of(horizontal: bool, forward: bool, person: bool) -> float:
    if horizontal:
        near, far = (0.76, 0.40) if person else (0.64, 0.52)
        return near if forward else far
    near, far = (0.36, 0.64) if person else (0.46, 0.54)
    return near if forward else far
