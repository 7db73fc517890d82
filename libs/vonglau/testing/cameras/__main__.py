"""`python -m vonglau.testing.cameras`: a farm as a process. Its first line on stdout is JSON: the port and every camera's URLs."""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence

import uvloop

from vonglau.testing.cameras.camera import CameraSpec
from vonglau.testing.cameras.farm import TICK, CameraFarm
from vonglau.testing.scenes.spec import BENCH, BENCH_SUB, LIVE, SMALL, SMALL_SUB, SceneSpec

SCENES: dict[str, dict[str, SceneSpec]] = {
    "small": {"main": SMALL, "sub": SMALL_SUB},
    "bench": {"main": BENCH, "sub": BENCH_SUB},
    "live": {"main": LIVE, "sub": LIVE},
}


def arguments(told: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m vonglau.testing.cameras", description="Simulated cameras on one RTSP port")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8554, help="0 takes a free one")
    parser.add_argument("--cameras", type=int, default=8, help="how many: cam-1, cam-2, …")
    parser.add_argument("--scene", choices=SCENES, default="small", help="small: 640×360 and 320×180; bench: 1080p at 4 Mbit/s; live: 320×180 with wall time")
    parser.add_argument("--audio", choices=("none", "aac", "pcmu"), default="none")
    parser.add_argument("--user", default="", help="empty: no credentials are asked for")
    parser.add_argument("--password", default="")
    parser.add_argument("--scheme", choices=("digest", "digest-qop", "basic"), default="digest")
    parser.add_argument("--max-sessions", type=int, default=0, help="per camera; 0: no limit")
    parser.add_argument("--tick", type=float, default=TICK, help="seconds between two bursts")
    return parser.parse_args(told)


def specs(told: argparse.Namespace) -> list[CameraSpec]:
    profiles = SCENES[told.scene]
    spread = float(profiles["main"].seconds) / max(1, told.cameras)
    return [
        CameraSpec(
            id=f"cam-{number + 1}",
            profiles=profiles,
            user=told.user,
            password=told.password,
            scheme=told.scheme,
            audio=told.audio,
            phase=number * spread,
            max_sessions=told.max_sessions,
        )
        for number in range(told.cameras)
    ]


async def serve(told: argparse.Namespace) -> None:
    end = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, end.set)
    async with CameraFarm(specs(told), host=told.host, port=told.port, tick=told.tick) as farm:
        urls = {camera: {profile: farm.url(camera, profile) for profile in farm.camera(camera).spec.profiles} for camera in farm.cameras}
        sys.stdout.write(json.dumps({"port": farm.port, "cameras": urls}) + "\n")
        sys.stdout.flush()
        await end.wait()


if __name__ == "__main__":
    uvloop.run(serve(arguments()))
