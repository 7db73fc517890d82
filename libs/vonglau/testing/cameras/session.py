"""A session: the tracks that a client has set up, before it plays them."""

import random
import secrets

from vonglau.testing.cameras.camera import SimulatedCamera
from vonglau.testing.cameras.faults import Faults
from vonglau.testing.cameras.playing import Playing, Wire
from vonglau.testing.cameras.reels import Reel
from vonglau.testing.cameras.track import Track


class Session:
    def __init__(self, camera: SimulatedCamera, profile: str, faults: Faults) -> None:
        self.id = secrets.token_hex(4)
        self.profile = profile
        self._camera, self._faults = camera, faults
        self._tracks: dict[int, Track] = {}
        self._chance = random.Random(self.id)  # noqa: S311 - RTP's random bases
        camera.sessions[self.id] = None

    def add(self, number: int, channel: int) -> int | None:
        """Set up track 1 (video) or 2 (audio); returns its SSRC, None when the camera has no such track."""
        reel = self._reel(number)
        if reel is None:
            return None
        ssrc, base, sequence = (self._chance.getrandbits(bits) for bits in (32, 32, 16))
        if self._faults.wrap >= 0:
            base = (1 << 32) - round((self._camera.clock.seconds() + self._faults.wrap) * reel.rate)
            sequence = 0xFFFF - 100
        self._tracks[number] = Track(reel, channel=channel, ssrc=ssrc, sequence=sequence, base=base)
        return ssrc

    def _reel(self, number: int) -> Reel | None:
        if number == 1:
            return self._camera.reel(self.profile, self._faults)
        return self._camera.audio_reel() if number == 2 else None

    def play(self, wire: Wire) -> Playing:
        return Playing(self.profile, self._camera.clock, self._tracks, wire, self._faults, self._chance)

    def rtp_info(self, url: str) -> str:
        """Value of the RTP-Info header (RFC 2326 §12.33) for tracks that are about to begin; empty: none is sent."""
        if self._faults.rtp_info == "missing":
            return ""
        base = url.partition("?")[0].rstrip("/")
        wrong = 1_000_000 if self._faults.rtp_info == "wrong" else 0
        told = {n: (track.sequence, track.first_timestamp()) for n, track in self._tracks.items()}
        return ",".join(f"url={base}/trackID={n};seq={seq};rtptime={(time + wrong) & 0xFFFF_FFFF}" for n, (seq, time) in told.items() if time is not None)


def transport_channel(transport: str, otherwise: int) -> int | None:
    """The channel asked for; None when no offer is TCP interleaved."""
    for offer in transport.split(","):
        if "RTP/AVP/TCP" not in offer:
            continue
        told = offer.partition("interleaved=")[2].partition("-")[0].partition(";")[0]
        return int(told) if told.isdigit() else otherwise
    return None
