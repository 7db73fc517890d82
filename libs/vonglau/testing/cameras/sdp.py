"""Session descriptions (RFC 4566) as cameras write them."""

import base64
from collections.abc import Sequence
from fractions import Fraction

from vonglau.testing.scenes import nal
from vonglau.testing.scenes.spec import Codec

TYPE = "application/sdp"


def describe(medias: Sequence[str]) -> bytes:
    head = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=simulated camera", "c=IN IP4 0.0.0.0", "t=0 0", "a=control:*", "a=range:npt=0-"]
    return "\r\n".join([*head, *medias, ""]).encode()


def video(codec: Codec, parameter_sets: Sequence[bytes], fps: Fraction, *, with_sets: bool) -> str:
    name = "H264" if codec == "h264" else "H265"
    lines = ["m=video 0 RTP/AVP 96", f"a=rtpmap:96 {name}/90000", f"a=framerate:{float(fps):g}", "a=control:trackID=1"]
    parameters = h264_parameters(parameter_sets, with_sets) if codec == "h264" else h265_parameters(parameter_sets, with_sets)
    if parameters:
        lines.insert(2, "a=fmtp:96 " + ";".join(parameters))
    return "\r\n".join(lines)


def h264_parameters(sets: Sequence[bytes], with_sets: bool) -> list[str]:
    """RFC 6184 §8.1."""
    sprop = [f"sprop-parameter-sets={','.join(map(text, sets))}"] if with_sets else []
    return ["packetization-mode=1", f"profile-level-id={sets[0][1:4].hex().upper()}", *sprop]


def h265_parameters(sets: Sequence[bytes], with_sets: bool) -> list[str]:
    """RFC 7798 §7.1."""
    names = {32: "sprop-vps", 33: "sprop-sps", 34: "sprop-pps"}
    return [f"{names[nal.kind(unit, 'h265')]}={text(unit)}" for unit in sets] if with_sets else []


def text(unit: bytes) -> str:
    return base64.b64encode(unit).decode()
