"""Recorded footage as others see it: through PyAV and ffmpeg, never through the project's own reader."""

import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg

from vonglau.testing.scenes.nal import slice_crc, split_sample
from vonglau.testing.scenes.spec import Codec


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    decoded: Fraction                                        # s, on the file's time line
    shown: Fraction
    duration: Fraction
    key: bool
    crc: int                                                 # of its slices, as the scene's frames have it


def recorded_frames(path: Path) -> list[RecordedFrame]:
    """The video's frames in decoding order."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        codec: Codec = "h265" if stream.codec_context.name == "hevc" else "h264"
        base = stream.time_base or Fraction(1)
        return [
            RecordedFrame((packet.dts or 0) * base, (packet.pts or 0) * base, (packet.duration or 0) * base, packet.is_keyframe, _crc(bytes(packet), codec))
            for packet in container.demux(stream) if packet.size
        ]


def audio_frames(path: Path) -> list[tuple[Fraction, bytes]]:
    """(time in s, bytes) of the sound's frames; empty where there is none."""
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return []
        stream = container.streams.audio[0]
        base = stream.time_base or Fraction(1)
        return [((packet.pts or 0) * base, bytes(packet)) for packet in container.demux(stream) if packet.size]


def decoding_errors(path: Path) -> str:
    """What `ffmpeg -xerror` says while it decodes all of the file; empty: nothing."""
    executable: str = imageio_ffmpeg.get_ffmpeg_exe()  # type: ignore[attr-defined, no-untyped-call]
    command = [executable, "-nostdin", "-v", "error", "-xerror", "-i", str(path), "-fps_mode", "passthrough", "-enc_time_base", "demux", "-f", "null", "-"]
    run = subprocess.run(command, capture_output=True, check=False, timeout=60)
    return run.stderr.decode() or ("" if run.returncode == 0 else f"exit {run.returncode}")


def _crc(sample: bytes, codec: Codec) -> int:
    return slice_crc(split_sample(sample), codec)
