import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vonglau.testing.scenes import UnreadableStripError, read_clock, read_counter, read_strip
from vonglau.testing.scenes.strip import Picture, paint


def painted(counter: int, clock: float, width: int = 320, height: int = 180) -> Picture:
    picture = np.full((height, width, 3), 90, np.uint8)
    paint(picture, counter, clock)
    return picture


@settings(max_examples=40)
@given(counter=st.integers(0, 2**32 - 1), clock=st.integers(0, 2**48 - 1), width=st.sampled_from([320, 640, 1280, 1920]))
def test_counter_and_clock_are_read_back_from_every_size(counter: int, clock: int, width: int) -> None:
    picture = painted(counter, clock / 1000, width, width * 9 // 16)
    assert (read_counter(picture), read_clock(picture)) == (counter, clock / 1000)


def test_a_luma_plane_is_as_good_as_colours() -> None:
    assert read_counter(painted(77, 1.5)[:, :, 0]) == 77


@pytest.mark.parametrize("width", [240, 480, 853])
def test_the_strip_survives_scaling_of_the_picture(width: int) -> None:
    scaled = Image.fromarray(painted(4242, 1_800_000_000.123, 640, 360)).resize((width, width * 9 // 16), Image.Resampling.BILINEAR)
    assert read_clock(np.array(scaled)) == 1_800_000_000.123


def test_a_damaged_strip_is_refused_not_misread() -> None:
    picture = painted(4242, 9.25)
    picture[:7, 60:67] = 255 - picture[:7, 60:67]
    with pytest.raises(UnreadableStripError):
        read_strip(picture)


def test_a_picture_without_strip_is_refused() -> None:
    with pytest.raises(UnreadableStripError):
        read_strip(np.full((180, 320, 3), 200, np.uint8))
