"""Size and codec string come from the SPS, whatever the encoder and its options."""
from __future__ import annotations

import contextlib
import io
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vonglau.media.errors import DamagedMedia
from vonglau.media.parameter_sets import Codec, complete, read_format, set_key
from vonglau.testing.rtp import H264_PPS, H264_SPS
from vonglau.testing.scenes.nal import is_parameter_set, split_annex_b


def encoded(codec: Codec, width: int, height: int, options: dict[str, str], pixels: str = "yuv420p") -> tuple[bytes, ...]:
    """The parameter sets of one grey picture."""
    context: Any = av.CodecContext.create("libx264" if codec == "h264" else "libx265", "w")
    context.width, context.height, context.pix_fmt, context.time_base = width, height, pixels, Fraction(1, 25)
    context.options = options
    frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), 128, np.uint8), format="rgb24").reformat(format=pixels)
    data = io.BytesIO()
    for packet in [*context.encode(frame), *context.encode(None)]:
        data.write(bytes(packet))
    return tuple(nal for nal in split_annex_b(data.getvalue()) if is_parameter_set(nal, codec))


@pytest.mark.parametrize(("width", "height"), [(320, 180), (1918, 1078), (64, 64), (1920, 1080)])
@pytest.mark.parametrize(("options", "pixels"), [({"profile": "baseline"}, "yuv420p"), ({"profile": "high"}, "yuv420p"), ({}, "yuv422p")])
def test_h264_sizes_are_those_encoded(width: int, height: int, options: dict[str, str], pixels: str) -> None:
    sets = encoded("h264", width, height, {**options, "preset": "ultrafast"}, pixels)
    found = read_format("h264", sets)
    assert (found.width, found.height) == (width, height)
    assert found.codec_string.lower() == f"avc1.{sets[0][1:4].hex()}"


def test_interlaced_pictures_are_as_high_as_both_fields() -> None:
    found = read_format("h264", encoded("h264", 720, 576, {"x264-params": "interlaced=1", "preset": "ultrafast"}))
    assert (found.width, found.height) == (720, 576)


@pytest.mark.parametrize(("width", "height"), [(320, 180), (1918, 1078)])
def test_h265_sizes_and_codec_string_are_those_encoded(width: int, height: int) -> None:
    sets = encoded("h265", width, height, {"preset": "ultrafast", "x265-params": "log-level=none:level-idc=4.0:high-tier=0"})
    found = read_format("h265", sets)
    assert (found.width, found.height) == (width, height)
    assert found.codec_string.startswith("hvc1.1.6.L120")
    assert complete("h265", sets)
    assert not complete("h265", sets[:2])


def test_sets_of_one_kind_and_id_replace_each_other() -> None:
    assert set_key("h264", H264_SPS) == (7, 0)
    assert set_key("h264", H264_PPS) == (8, 0)
    assert set_key("h264", H264_PPS) == set_key("h264", b"\x68\xee\x3c\x80")
    assert set_key("h264", b"\x68\x5e\x3c\x80") == (8, 1)


@given(st.sampled_from(["h264", "h265"]), st.binary(max_size=60), st.sampled_from([7, 8, 66, 68]))
def test_any_other_bytes_are_damaged_and_nothing_worse(codec: Codec, content: bytes, first: int) -> None:
    for read in (lambda nal: set_key(codec, nal), lambda nal: read_format(codec, (nal,))):
        with contextlib.suppress(DamagedMedia):
            read(bytes([first]) + content)
