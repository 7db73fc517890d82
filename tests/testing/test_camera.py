"""What a camera says of itself, and its tracks besides moving pictures."""

from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from vonglau.testing.cameras import CameraSpec, Faults, SimulatedCamera
from vonglau.testing.cameras.__main__ import arguments, specs
from vonglau.testing.cameras.audio import Audio, audio_reel, mu_law, tone
from vonglau.testing.cameras.camera import changed
from vonglau.testing.cameras.clock import CameraClock
from vonglau.testing.cameras.live import LiveReel
from vonglau.testing.cameras.sdp import describe
from vonglau.testing.scenes import SceneSpec
from vonglau.testing.scenes.spec import LIVE, SMALL, SMALL_SUB

TINY = SceneSpec(width=320, height=180, fps=Fraction(10), seconds=Fraction(1), gop=5, kbps=200)


def camera(audio: Audio = "none", **scene: str) -> SimulatedCamera:
    return SimulatedCamera(CameraSpec("cam-1", profiles={"main": replace(TINY, **scene)}, audio=audio))  # type: ignore[arg-type]


def lines(description: bytes) -> list[str]:
    return description.decode().split("\r\n")


def test_an_h265_description_names_each_parameter_set() -> None:
    told = lines(camera(codec="h265").describe("main", Faults()))
    (fmtp,) = [line for line in told if line.startswith("a=fmtp:96")]
    assert [part.partition("=")[0] for part in fmtp.partition(" ")[2].split(";")] == ["sprop-vps", "sprop-sps", "sprop-pps"]


def test_an_h265_camera_that_keeps_its_parameter_sets_has_no_fmtp() -> None:
    assert "fmtp" not in camera(codec="h265").describe("main", Faults(sdp_sets=False)).decode()


def test_attributes_stand_below_the_media_that_they_describe() -> None:
    told = lines(camera("aac").describe("main", Faults()))
    medias = [n for n, line in enumerate(told) if line.startswith("m=")]
    controls = [n for n, line in enumerate(told) if line.startswith("a=control:trackID")]
    assert medias[0] < controls[0] < medias[1] < controls[1]
    assert told[-1] == "", "a description ends with a line end"
    assert lines(describe([]))[0] == "v=0"


def test_aac_frames_decode_to_the_tone() -> None:
    decoder = av.CodecContext.create("aac", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.extradata = bytes.fromhex(camera("aac").describe("main", Faults()).decode().partition("config=")[2].partition("\r\n")[0])
    sound: list[float] = []
    for (payload,) in [frame.payloads for frame in audio_reel("aac").frames] * 2:
        assert int.from_bytes(payload[2:4], "big") >> 3 == len(payload) - 4
        sound += [x for decoded in decoder.decode(av.Packet(payload[4:])) for x in decoded.to_ndarray()[0].tolist()]
    spectrum = np.abs(np.fft.rfft(sound[4096 : 4096 + 65_536]))
    assert spectrum.argmax() * 16_000 / 65_536 == pytest.approx(437.5)
    assert spectrum.max() > 0.9 * np.sqrt((spectrum**2).sum()), "no clicks, at the loop's seam neither"


def test_mu_law_is_what_a_decoder_of_the_standard_turns_back() -> None:
    samples = (tone(160, 3) * 32_767).astype(np.int64)
    decoder = av.CodecContext.create("pcm_mulaw", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.sample_rate, decoder.layout = 8_000, "mono"
    (frame,) = decoder.decode(av.Packet(mu_law(samples)))
    assert np.abs(frame.to_ndarray()[0].astype(int) - samples).max() <= 260  # half a step at a quarter of full scale


def test_a_change_is_a_size_a_still_or_the_way_back() -> None:
    small, still = changed(SMALL, "320x180"), changed(SMALL, "still")
    assert small is not None
    assert (small.width, small.height, small.gop) == (320, 180, SMALL.gop)
    assert still == replace(SMALL, still=True)
    assert changed(SMALL, "back") is None


def test_a_live_reel_shows_frames_of_its_cameras_clock_and_keeps_only_the_last() -> None:
    now = [0.0]
    clock = CameraClock(100.0, monotonic=lambda: now[0])
    reel = LiveReel(LIVE, clock)
    for n in range(1001, 1131):
        reel._draw(n)
    assert reel.key_at_or_after(1115) == 1120, "a key frame every ten frames, from 1000 on"
    assert reel.key_at_or_after(1131) is None
    assert (reel.block(1020), reel.due(999.0)) == (None, 1131)
    found = reel.block(1130)
    assert found is not None
    assert found[1].frames == 1
    assert reel.due(112.95) == 1130
    assert reel.sets


def test_a_process_of_eight_cameras_spreads_them_over_the_loop() -> None:
    made = specs(arguments(["--cameras", "8", "--user", "u", "--password", "p"]))
    assert [spec.id for spec in made] == [f"cam-{n}" for n in range(1, 9)]
    assert len({spec.phase for spec in made}) == 8
    assert max(spec.phase for spec in made) < float(SMALL.seconds)
    assert made[0].profiles == {"main": SMALL, "sub": SMALL_SUB}


def test_main_and_sub_of_the_presets_show_the_same_junction() -> None:
    assert (SMALL.seed, SMALL.seconds) == (SMALL_SUB.seed, SMALL_SUB.seconds)
