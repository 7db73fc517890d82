"""What a camera offers (RFC 4566), read as cameras write it: bare line feeds, static types without rtpmap, broken base64, absolute or relative controls."""

import binascii
import re
from base64 import b64decode
from dataclasses import dataclass, field

from services.ingest.media.aac import AacFraming
from services.ingest.rtsp.errors import Damaged
from vonglau.media.fmp4 import AudioTrack
from vonglau.media.parameter_sets import Codec

_SETS = ("sprop-vps", "sprop-sps", "sprop-pps", "sprop-parameter-sets")
_NUMBER = re.compile(r"[0-9]{1,9}")
_CODECS: dict[str, Codec] = {"H264": "h264", "H265": "h265", "HEVC": "h265"}


@dataclass(slots=True)
class Media:
    kind: str
    attributes: dict[str, list[str]] = field(default_factory=dict)

    def attribute(self, name: str) -> str:
        return next(iter(self.attributes.get(name, ())), "")

    def parameters(self) -> dict[str, str]:
        """The fmtp line; names in lower case."""
        _, _, text = self.attribute("fmtp").partition(" ")
        pairs = (part.partition("=") for part in text.split(";"))
        return {name.strip().lower(): value.strip() for name, _, value in pairs}

    def encoding(self) -> list[str]:
        """Name, rate and channels by rtpmap; the name in upper case."""
        _, _, text = self.attribute("rtpmap").strip().partition(" ")
        name, *rest = text.strip().split("/")
        return [name.upper(), *rest]


@dataclass(frozen=True, slots=True)
class VideoOffer:
    codec: Codec
    parameter_sets: tuple[bytes, ...]
    control: str


@dataclass(frozen=True, slots=True)
class AudioOffer:
    track: AudioTrack
    framing: AacFraming
    control: str


@dataclass(frozen=True, slots=True)
class Offer:
    """What of it is recorded, and the control of the whole session."""

    video: VideoOffer
    audio: AudioOffer | None
    control: str


def read_offer(text: str) -> Offer:
    """The first H.264 or H.265 video and the first AAC audio. Raises `Damaged` if there is no such video."""
    session, media = _split(text)
    videos = [one for one in media if one.kind == "video" and one.encoding()[0] in _CODECS]
    if not videos:
        raise Damaged("the camera offers no H.264 or H.265 video")
    video = videos[0]
    offered = VideoOffer(_CODECS[video.encoding()[0]], _parameter_sets(video), video.attribute("control"))
    audios = [found for one in media if one.kind == "audio" and (found := _aac(one)) is not None]
    return Offer(offered, next(iter(audios), None), session.attribute("control"))


def _split(text: str) -> tuple[Media, list[Media]]:
    current = session = Media("session")
    media: list[Media] = []
    for raw in text.splitlines():
        kind, _, value = raw.strip().partition("=")
        if kind == "m":
            words = value.split()
            current = Media(words[0].lower() if words else "")
            media.append(current)
        elif kind == "a":
            name, _, rest = value.partition(":")
            current.attributes.setdefault(name.strip().lower(), []).append(rest.strip())
    return session, media


def _parameter_sets(video: Media) -> tuple[bytes, ...]:
    given = video.parameters()
    texts = [text for name in _SETS for text in given.get(name, "").split(",") if text]
    return tuple(nal for nal in map(_decode, texts) if len(nal) >= 4)


def _decode(text: str) -> bytes:
    try:
        return b64decode(re.sub(r"[^A-Za-z0-9+/]", "", text) + "==")
    except binascii.Error:
        return b""


def _aac(audio: Media) -> AudioOffer | None:
    """None for what ISO-BMFF can't hold as it comes (PCMU, PCMA, G.726, LATM) or what is described too badly to be read."""
    name, *rest = audio.encoding()
    given = audio.parameters()
    config = given.get("config", "")
    lengths = [given.get(key, default) for key, default in (("sizelength", "13"), ("indexlength", "3"), ("indexdeltalength", "3"))]
    if name != "MPEG4-GENERIC" or not rest or not _NUMBER.fullmatch(rest[0]) or int(rest[0]) < 1:
        return None
    if not re.fullmatch(r"(?:[0-9a-fA-F]{2}){2,64}", config) or not all(_NUMBER.fullmatch(text) and int(text) <= 32 for text in lengths):
        return None
    channels = int(rest[1]) if len(rest) > 1 and _NUMBER.fullmatch(rest[1]) else 1
    return AudioOffer(AudioTrack(int(rest[0]), channels, bytes.fromhex(config)), AacFraming(*map(int, lengths)), audio.attribute("control"))
