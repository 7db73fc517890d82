"""What the writer writes is read alike by PyAV, ffmpeg and our own reader."""
from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import pytest

from vonglau.media.errors import DamagedMedia
from vonglau.media.fmp4 import AudioTrack, Run, Sync, VideoTrack, fragment_header, init_segment, random_access_index
from vonglau.media.fragments import fragments
from vonglau.media.init import read_init, same_codecs
from vonglau.testing.reading import audio_frames, decoding_errors, recorded_frames
from vonglau.testing.scenes import Scene


@pytest.fixture
def file(tmp_path: Path, init: bytes, pairs: list[bytes]) -> Path:
    offsets = [len(init) + sum(map(len, pairs[:number])) for number in range(len(pairs))]
    index = random_access_index([(158_000_000_000_000 + number * 90_000, offset) for number, offset in enumerate(offsets)])
    path = tmp_path / "scene.mp4"
    path.write_bytes(init + b"".join(pairs) + index)
    return path


def test_every_frame_comes_back_with_its_content_and_time(file: Path, scene: Scene) -> None:
    frames = recorded_frames(file)
    assert [frame.crc for frame in frames] == [frame.crc for frame in scene.frames]
    assert [frame.key for frame in frames] == [frame.key for frame in scene.frames]
    assert {later.decoded - earlier.decoded for earlier, later in itertools.pairwise(frames)} == {Fraction(1, 10)}


def test_ffmpeg_decodes_it_without_a_word(file: Path) -> None:
    assert decoding_errors(file) == ""


def test_a_file_without_its_index_decodes_too(file: Path, init: bytes, pairs: list[bytes]) -> None:
    file.write_bytes(init + b"".join(pairs))
    assert decoding_errors(file) == ""


def test_the_index_says_its_own_size_at_the_very_end() -> None:
    index = random_access_index([(1, 2), (3, 4)])
    assert int.from_bytes(index[-4:], "big") == len(index)


def test_signed_composition_offsets_survive(tmp_path: Path, init: bytes, pairs: list[bytes]) -> None:
    moof = fragment_header(1, (Run(1, 90_000, [3000] * 3, [1, 2, 3], Sync.FIRST, [0, 3000, -3000]),))
    path = tmp_path / "reordered.mp4"
    path.write_bytes(init + moof + bytes(6))
    frames = recorded_frames(path)
    assert [frame.shown - frames[0].shown for frame in frames] == [0, Fraction(2, 30), Fraction(1, 30)]


def test_sound_stands_in_a_second_track_of_its_own_rate(tmp_path: Path, track: VideoTrack) -> None:
    audio = AudioTrack(16_000, 1, bytes.fromhex("1408"))
    video_run = Run(1, 90_000, [9000], [4], Sync.FIRST)
    audio_run = Run(2, 16_000, [1024, 1024], [3, 5], Sync.ALL)
    path = tmp_path / "sound.mp4"
    path.write_bytes(init_segment(track, audio) + fragment_header(1, (video_run, audio_run)) + b"PICTaaabbbbb")
    assert audio_frames(path) == [(Fraction(1), b"aaa"), (Fraction(1) + Fraction(1024, 16_000), b"bbbbb")]
    assert [found.timescale for found in read_init(path.read_bytes())] == [90_000, 16_000]


def test_the_reader_finds_what_the_writer_wrote(init: bytes, pairs: list[bytes]) -> None:
    found = list(fragments(init + b"".join(pairs)))
    assert [fragment.size for fragment in found] == [len(pair) for pair in pairs]
    assert [fragment.sequence for fragment in found] == [1, 2, 3, 4]
    assert [(run.track, run.duration, run.samples) for fragment in found for run in fragment.tracks] == [(1, 90_000, 10)] * 4
    assert all(fragment.keyframe for fragment in found)


def test_a_fragment_that_opens_between_key_frames_says_so() -> None:
    data = fragment_header(1, (Run(1, 0, [1], [1], Sync.NONE),)) + b"x"
    assert not next(fragments(data)).keyframe


def test_init_segments_are_the_same_when_codec_and_tracks_are(track: VideoTrack, init: bytes, pairs: list[bytes]) -> None:
    with_sound = init_segment(track, AudioTrack(16_000, 1, bytes.fromhex("1408")))
    other_sound = init_segment(track, AudioTrack(8_000, 1, bytes.fromhex("1588")))
    assert same_codecs(init, init + pairs[0])
    assert not same_codecs(init, with_sound)
    assert not same_codecs(with_sound, other_sound)


def test_an_init_segment_needs_readable_parameter_sets() -> None:
    with pytest.raises(DamagedMedia):
        init_segment(VideoTrack("h264", (b"\x68\xef\x3c\xb0",)))
