from dataclasses import dataclass

from vonglau.settings import setting


@dataclass(frozen=True, kw_only=True)
class DataPlaneSettings:
    """How cameras are read and their pictures spooled."""

    drain_interval_ms: int = setting(250, unit="ms", why="sockets are read on a timer: a tenth of the system calls of reading on readiness", at_least=10)
    watched_interval_ms: int = setting(80, unit="ms", why="a watched camera is read more often, so that its parts are fresh", at_least=10)
    drain_slots: int = setting(25, unit="slots", why="cameras are spread over the interval, so that no turn is long", at_least=1)
    receive_buffer_bytes: int = setting(1 << 20, unit="bytes", why="the kernel holds more than interval x peak rate while the process is busy", at_least=65_536)
    segment_s: float = setting(60.0, unit="s", why="one PUT a minute and camera; 10 s only where playback needs it", at_least=1)
    gop_cap_s: int = setting(10, unit="s", why="bounds the memory of a camera that sends no key frames", at_least=1)
    gop_cap_bytes: int = setting(16 << 20, unit="bytes", why="bounds the memory of one access unit and one GOP", at_least=65_536)
    anchor_window_s: float = setting(10.0, unit="s", why="arrivals of this long tell where media time stands in UTC: the earliest counts", at_least=1)
    drift_limit_ms: int = setting(200, unit="ms", why="a larger step between media time and arrival is a discontinuity", at_least=1)
    connect_timeout_s: float = setting(5.0, unit="s", why="a camera on a city network connects within a second", at_least=0.1)
    reply_timeout_s: float = setting(10.0, unit="s", why="small cameras take seconds to describe a stream", at_least=0.1)
    silence_s: float = setting(10.0, unit="s", why="no media packet for this long is a lost stream, whatever else the camera sends", at_least=0.5)
    key_frame_wait_s: float = setting(60.0, unit="s", why="packets without a key frame to begin with for this long are a damaged stream", at_least=1)
    handshakes: int = setting(32, unit="connections", why="after an outage all cameras of a pod come back at once; their handshakes queue", at_least=1)
    backoff_first_s: float = setting(0.5, unit="s", why="most breaks are short", at_least=0.01)
    backoff_most_s: float = setting(30.0, unit="s", why="a camera that is back is noticed within half a minute", at_least=0.01)
    unauthorised_wait_s: float = setting(30.0, unit="s", why="cameras lock an account after a few wrong passwords", at_least=0.01)
    spool_limit_bytes: int = setting(20 << 30, unit="bytes", why="20 min of 30 cameras at 4 Mbit/s; a pod's volume sets its own", at_least=1 << 20)
    spool_pending_bytes: int = setting(256 << 20, unit="bytes", why="what waits for the disk; above it footage is dropped and counted", at_least=1 << 20)
    spool_threads: int = setting(2, unit="threads", why="a camera stays on one of them, which keeps its order", at_least=1)
