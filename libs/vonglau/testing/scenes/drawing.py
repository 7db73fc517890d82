"""Draw a junction: roads, zebra crossings, traffic, digits and the strip. One canvas per scene, one picture per call."""

import random

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vonglau.testing.scenes import strip
from vonglau.testing.scenes.junction import Actor, Box, Junction

Colour = tuple[int, int, int]
ASPHALT, GRASS, PAINT, NIGHT = (78, 80, 84), (74, 104, 66), (205, 205, 198), (24, 26, 30)
NOISE_PAGES = 7  # no divisor of usual GOP lengths, so noise never repeats with the key frames


class Canvas:
    def __init__(self, junction: Junction, width: int, height: int) -> None:
        self.junction = junction
        self.width, self.height = width, height
        self._ground = ground(junction.seed, width, height)
        self._font = ImageFont.load_default(size=max(10, height // 18))

    def picture(self, t: float, counter: int, clock: float) -> strip.Picture:
        """The junction at scene time `t`, labelled with `counter` and `clock` (seconds): RGB (height, width, 3)."""
        image = self._ground.copy()
        pen = ImageDraw.Draw(image)
        for actor in self.junction.actors:
            self._draw(pen, actor, t)
        self._label(pen, f"{counter:06d}  {clock:.3f}")
        picture = np.array(image)
        strip.paint(picture, counter, clock)
        return picture

    def _draw(self, pen: ImageDraw.ImageDraw, actor: Actor, t: float) -> None:
        left, top, right, bottom = self._pixels(actor.whole_box(t, self.junction.loop))
        if actor.kind == "person":
            middle = (top + bottom) / 2
            pen.ellipse((left, top, right, middle), fill=(222, 184, 150))
            pen.rectangle((left, middle, right, bottom), fill=actor.colour)
            return
        pen.rectangle((left, top, right, bottom), fill=actor.colour, outline=NIGHT)
        inset_x, inset_y = (right - left) * 0.25, (bottom - top) * 0.25
        pen.rectangle((left + inset_x, top + inset_y, right - inset_x, bottom - inset_y), fill=NIGHT)

    def _label(self, pen: ImageDraw.ImageDraw, text: str) -> None:
        top = strip.strip_height(self.width)
        box = pen.textbbox((4, top + 2), text, font=self._font)
        pen.rectangle((0, top, box[2] + 4, box[3] + 3), fill=NIGHT)
        pen.text((4, top + 2), text, font=self._font, fill=PAINT)

    def _pixels(self, box: Box) -> tuple[float, float, float, float]:
        return box[0] * self.width, box[1] * self.height, box[2] * self.width, box[3] * self.height


def ground(seed: int, width: int, height: int) -> Image.Image:
    """What doesn't move. Drawn once per canvas."""
    image = Image.new("RGB", (width, height), GRASS)
    pen = ImageDraw.Draw(image)
    for box, colour in (*houses(seed), *roads(), *crossings()):
        pen.rectangle((box[0] * width, box[1] * height, box[2] * width, box[3] * height), fill=colour)
    return image


def houses(seed: int) -> list[tuple[Box, Colour]]:
    chance = random.Random(seed)  # noqa: S311 - houses, not secrets
    plots = [(x, y) for y in (0.02, 0.2, 0.82) for x in (0.02, 0.12, 0.22, 0.68, 0.78, 0.88)]
    return [((x, y, x + chance.uniform(0.05, 0.09), y + chance.uniform(0.08, 0.15)), tuple_of(chance)) for x, y in plots]


def tuple_of(chance: random.Random) -> Colour:
    return chance.randrange(90, 200), chance.randrange(80, 170), chance.randrange(70, 160)


def roads() -> list[tuple[Box, Colour]]:
    dashes = [((x / 20, 0.578, x / 20 + 0.02, 0.584), PAINT) for x in range(20) if not 8 <= x <= 11]
    return [((0.0, 0.45, 1.0, 0.71), ASPHALT), ((0.42, 0.0, 0.58, 1.0), ASPHALT), *dashes]


def crossings() -> list[tuple[Box, Colour]]:
    across = [((0.42 + i * 0.02, y, 0.43 + i * 0.02, y + 0.05), PAINT) for i in range(8) for y in (0.38, 0.73)]
    along = [((x, 0.46 + i * 0.03, x + 0.03, 0.475 + i * 0.03), PAINT) for i in range(8) for x in (0.35, 0.62)]
    return across + along


def noise_pages(amplitude: int, height: int, width: int) -> list[strip.Picture]:
    """Luma to add: the same pages in every process."""
    source = np.random.default_rng(7)
    return [source.integers(0, amplitude + 1, (height, width), np.uint8) for _ in range(NOISE_PAGES)]
