"""A simulated camera: what it shows, who may see it, and the handles by which a test breaks it."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Protocol

from vonglau.testing.cameras import audio, sdp
from vonglau.testing.cameras.audio import Audio
from vonglau.testing.cameras.clock import CameraClock
from vonglau.testing.cameras.door import Door, Scheme
from vonglau.testing.cameras.faults import MOMENTS, Faults, Moment, read
from vonglau.testing.cameras.live import LiveReel
from vonglau.testing.cameras.packets import Wrapping
from vonglau.testing.cameras.playing import Play, Playing
from vonglau.testing.cameras.reels import LoopReel, Reel, scene_reel
from vonglau.testing.scenes import Scene, SceneSpec, load
from vonglau.testing.scenes.spec import SMALL, SMALL_SUB


@dataclass(frozen=True, slots=True)
class CameraSpec:
    """`phase` (seconds) shifts this camera in the loop, so that cameras that share a scene don't show the same picture."""

    id: str
    profiles: dict[str, SceneSpec] = field(default_factory=lambda: {"main": SMALL, "sub": SMALL_SUB})
    user: str = ""
    password: str = ""
    scheme: Scheme = "digest"
    phase: float = 0.0
    max_sessions: int = 0  # 0: no limit
    session_timeout: int = 60  # seconds without a sign from the client
    audio: Audio = "none"
    faults: Faults = field(default_factory=Faults)


class Target(Protocol):
    """Whatever the faults of a moment can happen to: a camera, or one client of it."""

    def cut(self) -> None: ...
    def stall(self, on: bool = True) -> None: ...
    def repeat_frame(self, on: bool = True) -> None: ...
    def jump_timestamp(self, seconds: float) -> None: ...
    def send_garbage(self, size: int = 500) -> None: ...


# Faults of a moment that have an end.
LASTING: dict[str, Callable[[Target, bool], None]] = {"stall": lambda target, on: target.stall(on), "freeze": lambda target, on: target.repeat_frame(on)}


class SimulatedCamera:
    """Every handle acts at once on all clients; `refuse`, `stall`, `freeze`, `change` and settings hold for later ones too."""

    def __init__(self, spec: CameraSpec) -> None:
        self.spec, self.id = spec, spec.id
        self.faults = spec.faults
        self.clock = CameraClock(spec.phase)
        self.door = Door(spec.user, spec.password, spec.scheme, realm="camera") if spec.user else None
        self.plays: list[Play] = []
        self.sessions: dict[str, Playing | None] = {}  # by session id; None: set up, not playing
        self.fired: set[tuple[str, Moment]] = set()
        self.stalled = self.frozen = False
        self.tasks: set[asyncio.Task[None]] = set()
        self._shown: dict[str, SceneSpec] = {}
        self._live: dict[SceneSpec, LiveReel] = {}
        self._chance = random.Random(spec.id)  # noqa: S311 - faults, not secrets

    # What it shows

    def profile(self, name: str) -> SceneSpec | None:
        """What a client that comes now gets to see."""
        return self._shown.get(name) or self.spec.profiles.get(name)

    def scene(self, profile: str = "main") -> Scene:
        """Frames and their checksums, as a client that comes now gets them."""
        return load(self._shown.get(profile) or self.spec.profiles[profile])

    def reel(self, profile: str, faults: Faults) -> Reel:
        spec = self._shown.get(profile) or self.spec.profiles[profile]
        if spec.live:
            return self._live_reel(spec)
        wrapping = Wrapping(faults.in_band, faults.fu_end, faults.aggregate, faults.extras, faults.empty_units)
        return scene_reel(self.scene(profile), wrapping)

    def _live_reel(self, spec: SceneSpec) -> LiveReel:
        if spec not in self._live:
            self._live[spec] = LiveReel(spec, self.clock)
            self._live[spec].start()
        return self._live[spec]

    def describe(self, profile: str, faults: Faults) -> bytes:
        reel = self.reel(profile, faults)
        fps = Fraction(faults.announced_fps) if faults.announced_fps else reel.fps
        codec = self.spec.profiles[profile].codec
        medias = [sdp.video(codec, reel.sets, fps, with_sets=faults.sdp_sets)]
        return sdp.describe(medias if self.spec.audio == "none" else [*medias, audio.describe(self.spec.audio)])

    def audio_reel(self) -> LoopReel | None:
        return None if self.spec.audio == "none" else audio.audio_reel(self.spec.audio)

    # Handles

    def refuse(self, on: bool = True, how: str = "503") -> None:
        """New clients get 503, or (`how="reset"`) lose their connection."""
        self.set(refuse=how if on else "no")

    def stall(self, on: bool = True) -> None:
        """Nothing is sent any more, TCP stays open, requests are answered. Afterwards it goes on with a key frame."""
        self.stalled = on
        for playing in self.playing():
            playing.stall(on)

    def cut(self, down: float = 0.0) -> None:
        """Reset every connection in the middle of a packet; then refuse for `down` seconds."""
        if down:
            self.refuse()
            asyncio.get_running_loop().call_later(down, self.refuse, False)
        for playing in self.playing():
            playing.cut()

    def vanish(self, on: bool = True) -> None:
        """Half-open: no data, no answers, no end of the connection."""
        self.set(mute="on" if on else "off")
        self.stall(on)

    def send_garbage(self, size: int = 500) -> None:
        for playing in self.playing():
            playing.send_garbage(size)

    def repeat_frame(self, on: bool = True) -> None:
        """The newest key frame again and again, with running time stamps."""
        self.frozen = on
        for playing in self.playing():
            playing.repeat_frame(on)

    def set_clock_offset(self, seconds: float) -> None:
        """How far the camera's time of day is ahead; told by its next sender reports, which go out at once."""
        self.set(skew=str(seconds))
        for playing in self.playing():
            playing.report_soon()

    def jump_timestamp(self, seconds: float) -> None:
        for playing in self.playing():
            playing.jump_timestamp(seconds)

    async def change(self, profile: str, spec: SceneSpec | None) -> None:
        """Another size, other parameter sets from the next key frame on; None: back to what it was. The codec must stay."""
        await asyncio.to_thread(load, spec or self.spec.profiles[profile])
        if spec is None:
            self._shown.pop(profile, None)
        else:
            self._shown[profile] = spec
        for playing in self.playing():
            if playing.profile == profile:
                playing.switch(self.reel(profile, playing.faults))

    def set(self, **settings: str) -> None:
        """Change steady faults, or schedule those of a moment, counted from now. Raises UnknownFaultError."""
        moments = {name: text for name, text in settings.items() if name in MOMENTS}
        self.faults = self.faults.told({name: text for name, text in settings.items() if name not in MOMENTS})
        if "drift" in settings:
            self.clock.drift(self.faults.drift)
        for playing in self.playing():
            playing.faults = playing.faults.told({name: text for name, text in settings.items() if name not in MOMENTS})
        for name, text in moments.items():
            moment = read(name, text)
            if moment is not None:
                self.schedule(self, name, moment)
            elif name in LASTING:
                LASTING[name](self, False)

    # What happens to clients

    def full(self) -> bool:
        return 0 < self.spec.max_sessions <= len(self.sessions)

    def session_over(self, session: str, *, held: bool) -> None:
        """A held session counts until it times out, as with cameras that don't notice that a client has gone."""
        if held and session in self.sessions:
            self.sessions[session] = None
            asyncio.get_running_loop().call_later(self.spec.session_timeout, self.sessions.pop, session, None)
        else:
            self.sessions.pop(session, None)

    def playing(self) -> list[Playing]:
        return [playing for playing in self.sessions.values() if playing is not None]

    def started(self, session: str, playing: Playing) -> None:
        """A client begins to play: what holds for the camera holds for it, and its own moments are counted from here."""
        self.sessions[session] = playing
        self.plays.append(playing.play)
        if playing.faults.drift != self.faults.drift:
            self.set(drift=str(playing.faults.drift))
        playing.stalled = self.stalled
        if self.frozen:
            playing.repeat_frame()
        for name in MOMENTS:
            moment: Moment | None = getattr(playing.faults, name)
            if moment is not None and (name, moment) not in self.fired:
                self.fired.add((name, moment))
                self.schedule(playing, name, moment)

    def schedule(self, target: Target, name: str, moment: Moment) -> None:
        later = asyncio.get_running_loop().call_later
        seconds = moment.number(0.0) if name != "change" else 0.0
        actions: dict[str, Callable[[], None]] = {
            "cut": lambda: self._cut_down(target, seconds),
            "jump": lambda: target.jump_timestamp(moment.number(-10.0)),
            "step": lambda: self.set_clock_offset(self.faults.skew + moment.number(3600.0)),
            "garbage": lambda: target.send_garbage(int(moment.number(500))),
            "change": lambda: self._keep(self._change_as_told(moment.amount)),
        }
        if name not in LASTING:
            later(moment.after, actions[name])
            return
        later(moment.after, LASTING[name], target, True)
        if seconds:
            later(moment.after + seconds, LASTING[name], target, False)

    def _cut_down(self, target: Target, down: float) -> None:
        if down:
            self.refuse()
            asyncio.get_running_loop().call_later(down, self.refuse, False)
        target.cut()

    async def _change_as_told(self, how: str) -> None:
        for name, spec in self.spec.profiles.items():
            await self.change(name, changed(spec, how))

    def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        for reel in self._live.values():
            reel.stop()

    def _keep(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


def changed(spec: SceneSpec, how: str) -> SceneSpec | None:
    """`320x180`, `still` or `back`, as `faults.CHANGE` allows."""
    if how == "back":
        return None
    if how == "still":
        return replace(spec, still=True)
    width, _, height = how.partition("x")
    return spec.sized(int(width), int(height))
