"""Drawing, encoding, and what the encoded scene says of itself."""

from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest

from vonglau.testing.scenes import Scene, SceneSpec, read_counter
from vonglau.testing.scenes.drawing import Canvas
from vonglau.testing.scenes.encoding import draw_and_encode
from vonglau.testing.scenes.junction import Junction
from vonglau.testing.scenes.nal import is_parameter_set, is_slice, kind, slice_crc, split_annex_b, split_sample
from vonglau.testing.scenes.spec import Codec
from vonglau.testing.scenes.store import load_from, pack, unpack
from vonglau.testing.scenes.strip import Picture

TINY = SceneSpec(width=320, height=180, fps=Fraction(10), seconds=Fraction(2), gop=5, kbps=200)
drawn = cache(draw_and_encode)


def decoded(scene: Scene, turns: int = 1) -> list[Picture]:
    decoder = av.CodecContext.create({"h264": "h264", "h265": "hevc"}[scene.spec.codec], "r")
    assert isinstance(decoder, av.VideoCodecContext)
    pictures = []
    for frame in scene.frames * turns:
        units = (*scene.parameter_sets, *frame.units) if frame.key else frame.units
        pictures += decoder.decode(av.Packet(b"".join(b"\0\0\0\1" + unit for unit in units)))
    pictures += decoder.decode(None)
    return [np.asarray(picture.to_ndarray(format="rgb24"), np.uint8) for picture in pictures]


def test_the_truth_is_where_the_drawing_has_its_colour() -> None:
    junction = Junction(3, 20)
    picture = Canvas(junction, 640, 360).picture(5.0, 0, 5.0)
    cars = [seen for seen in junction.seen(5.0) if seen.kind == "bus"]
    assert cars
    for seen in cars:
        x, y = (int((seen.box[0] + seen.box[2]) / 2 * 640), int((seen.box[1] + seen.box[3]) / 2 * 360))
        assert tuple(picture[y, x]) == (24, 26, 30), "a vehicle's roof is dark"


def test_the_digits_tell_counter_and_clock_to_a_person() -> None:
    canvas = Canvas(Junction(3, 20), 640, 360)
    one, two = canvas.picture(5.0, 111111, 5.0), canvas.picture(5.0, 888888, 5.0)
    below_the_strip = np.s_[42:70, :140]
    assert np.abs(one[below_the_strip].astype(int) - two[below_the_strip]).max() > 150


@pytest.mark.parametrize("spec", [TINY, replace(TINY, codec="h265"), replace(TINY, bframes=2), replace(TINY, fps=Fraction(30000, 1001), gop=15)], ids=str)
def test_two_turns_of_the_loop_decode_to_every_counter_in_order(spec: SceneSpec) -> None:
    pictures = decoded(drawn(spec), turns=2)
    assert [read_counter(picture) for picture in pictures] == [*range(spec.frame_count)] * 2


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_key_frames_stand_a_gop_apart_from_the_first_frame_on(codec: Codec) -> None:
    scene = drawn(replace(TINY, codec=codec))
    assert [n for n, frame in enumerate(scene.frames) if frame.key] == [0, 5, 10, 15]


def test_frames_hold_slices_only_and_parameter_sets_stand_apart() -> None:
    scene = drawn(replace(TINY, codec="h265"))
    assert [kind(unit, "h265") for unit in scene.parameter_sets] == [32, 33, 34]
    assert all(is_slice(unit, "h265") for frame in scene.frames for unit in frame.units)


def test_b_frames_make_decode_order_differ_from_presentation_order() -> None:
    scene = drawn(replace(TINY, bframes=2))
    assert sorted(frame.shown for frame in scene.frames) == [*range(20)]
    assert [frame.shown for frame in scene.frames] != [*range(20)]
    assert scene.delay > 0


def test_noise_lifts_a_drawn_scene_to_its_bitrate() -> None:
    size = {noise: sum(len(u) for f in drawn(replace(TINY, kbps=1500, noise=noise)).frames for u in f.units) for noise in (0, 12)}
    assert size[12] * 8 / 2 > 1_000_000 > size[0] * 8 / 2


def test_a_still_scene_shows_one_picture_only() -> None:
    assert {read_counter(picture) for picture in decoded(drawn(replace(TINY, still=True)))} == {0}


def test_expected_content_runs_over_the_seam() -> None:
    scene = drawn(TINY)
    expected = scene.expected(19)
    assert [next(expected) for _ in range(2)] == [(19, scene.frames[19].crc), (20, scene.frames[0].crc)]


def test_content_without_loss_has_no_breaks_wherever_it_starts() -> None:
    scene = drawn(TINY)
    crcs = [scene.frame(n).crc for n in range(13, 60)]
    assert scene.breaks(crcs) == []
    assert scene.breaks([]) == []


def test_a_lost_a_doubled_and_a_foreign_frame_are_each_named_by_place() -> None:
    scene = drawn(TINY)
    crcs = [scene.frame(n).crc for n in range(10)]
    assert scene.breaks(crcs[:4] + crcs[5:]) == [4]
    assert scene.breaks(crcs[:4] + crcs[3:]) == [4]
    assert scene.breaks([*crcs[:4], 1, *crcs[5:]]) == [4, 5]
    assert scene.breaks([1]) == [0]


def test_the_checksum_is_of_the_slices_whatever_stands_between_them() -> None:
    scene = drawn(TINY)
    units = [*scene.parameter_sets, b"\x06sei", b"", *scene.frames[0].units]
    assert slice_crc(units, "h264") == scene.frames[0].crc


def test_units_are_the_same_out_of_start_codes_and_out_of_a_sample() -> None:
    units = [b"\x67abc\x01", b"\x68d", b"\x65" + bytes(5) + b"e"]
    assert list(split_sample(b"".join(len(unit).to_bytes(4, "big") + unit for unit in units))) == units
    escaped = [units[0], units[1], b"\x65\x00\x00\x03\x00\x00\x03e"]
    assert split_annex_b(b"\0\0\0\1" + b"\0\0\1".join(escaped)) == escaped
    assert [is_parameter_set(unit, "h264") for unit in units] == [True, True, False]


def test_a_scene_is_drawn_once_and_then_read(tmp_path: Path) -> None:
    drawings = []

    def draw(spec: SceneSpec) -> Scene:
        drawings.append(spec)
        return drawn(spec)

    first, second = (load_from(tmp_path, TINY, draw) for _ in range(2))
    assert drawings == [TINY]
    assert (second.parameter_sets, second.frames) == (first.parameter_sets, first.frames)


def test_a_damaged_cache_file_is_drawn_anew(tmp_path: Path) -> None:
    load_from(tmp_path, TINY, drawn)
    (path,) = tmp_path.iterdir()
    for damage in (path.read_bytes()[:-7], b"no scene", b"{}\n"):
        path.write_bytes(damage)
        assert load_from(tmp_path, TINY, drawn).frames == drawn(TINY).frames
        assert path.read_bytes() == pack(drawn(TINY))


def test_a_file_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="another length"):
        unpack(replace(TINY, seconds=Fraction(3)), pack(drawn(TINY)))


def test_nothing_half_written_stays_under_a_scenes_name(tmp_path: Path) -> None:
    load_from(tmp_path, TINY, drawn)
    assert [path.name for path in tmp_path.iterdir()] == [f"scene-{TINY.key()}"]


def test_whatever_changes_the_bytes_changes_the_name_in_the_cache() -> None:
    changed = [TINY, TINY.sized(160, 90), replace(TINY, gop=10), replace(TINY, codec="h265"), replace(TINY, seed=2), replace(TINY, fps=Fraction(25, 2))]
    assert len({spec.key() for spec in changed}) == len(changed)
