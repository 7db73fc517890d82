"""Recording 50 cameras of 4 Mbit/s: this ingest process beside one ffmpeg per camera, on the same simulator, in alternating windows."""
from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import grpc
import imageio_ffmpeg
import psutil

from tests.bench.figures import Figure, spread
from vonglau.access import CameraEntry, OwnerEntry, camera_key, owner_key, publish
from vonglau.broker import Broker, KeyValue, NatsServer, connect
from vonglau.broker.topology import ACCESS_STATE, ensure
from vonglau.clock import SystemClock
from vonglau.eventlog import Append, Call, HeaderWriter, JetStreamStore, aggregate_stream
from vonglau.identity import Caller, LocalIssuer
from vonglau.ingest.v1.service_pb2 import RECORDING_STATE_RECORDING, ListCameraStatusesRequest, ListCameraStatusesResponse
from vonglau.ingest.v1.service_pb2_grpc import IngestStub
from vonglau.registry.v1 import events_pb2 as events
from vonglau.rpc import channel, find
from vonglau.testing.waiting import eventually

CAMERAS = int(os.environ.get("BENCH_CAMERAS", "50"))
WINDOW_S = float(os.environ.get("BENCH_WINDOW_S", "90"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
SETTLE_S = 8.0
SAMPLED = 10
OWNER = "bench"
FFMPEG: str = imageio_ffmpeg.get_ffmpeg_exe()  # type: ignore[attr-defined, no-untyped-call]


async def main() -> list[Figure]:
    folder = Path(tempfile.mkdtemp(prefix="vonglau-bench-"))
    try:
        async with AsyncExitStack() as stack:
            urls = await stack.enter_async_context(farm())
            server = await stack.enter_async_context(NatsServer(folder / "nats"))
            broker = await stack.enter_async_context(connect(server.url, name="bench", within=10))
            await ensure(broker)
            LocalIssuer(folder / "identity")
            empty = await memory_without_cameras(folder, server.url)
            await register(broker, urls)
            return await compare(folder, server.url, urls, empty)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def compare(folder: Path, nats_url: str, urls: Sequence[str], empty: float) -> list[Figure]:
    own, other, memory, lost = [], [], [], 0
    for _ in range(ROUNDS):
        async with ingest(folder, nats_url) as process:
            await recording(folder)
            await asyncio.sleep(SETTLE_S)
            own.append(await cpu_percent([process]) / CAMERAS)
            memory.append((pss(process) - empty) / CAMERAS)
            lost += sum(status.lost_packets for status in (await statuses(folder)).statuses)
        async with ffmpegs(folder, urls) as processes:
            await asyncio.sleep(SETTLE_S)
            other.append(await cpu_percent(processes) / CAMERAS)
    broken = await undecodable(folder / "footage")
    ratios = [mine / theirs for mine, theirs in zip(own, other, strict=True)]
    ratio, per_camera = statistics.median(ratios), statistics.median(memory)
    return [
        Figure("ingest, share of a core per camera (spool, SHA-256, folder store)", statistics.median(own), "%", spread(own)),
        Figure("ffmpeg -c copy -f segment, share of a core per camera", statistics.median(other), "%", spread(other)),
        Figure("ingest / ffmpeg, CPU of the process tree", ratio, "×", spread(ratios), "≤ 0.5", ratio <= 0.5, "the windows alternate"),
        Figure("memory per camera, (PSS at 50 - PSS at 0) / 50", per_camera, "MB", spread(memory), "≤ 2 MB", per_camera <= 2),
        Figure("packets lost", lost, "", "", "0", lost == 0),
        Figure(f"of {SAMPLED} sampled segments not decoded by ffmpeg -xerror", broken, "", "", "0", broken == 0),
    ]


@asynccontextmanager
async def farm() -> AsyncIterator[list[str]]:
    """URLs of the cameras' main streams."""
    argv = [sys.executable, "-m", "vonglau.testing.cameras", "--port", "0", "--cameras", str(CAMERAS), "--scene", "bench"]
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        described = json.loads(await asyncio.wait_for(process.stdout.readline(), 120))
        yield [streams["main"] for streams in described["cameras"].values()]
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def ingest(folder: Path, nats_url: str) -> AsyncIterator[psutil.Process]:
    environment = {
        **os.environ,
        "VONGLAU_NATS_URL": nats_url,
        "VONGLAU_RUN_DIR": str(folder / "run"),
        "VONGLAU_FOOTAGE_DIR": str(folder / "footage"),
        "VONGLAU_SPOOL_DIR": str(folder / "spool"),
        "VONGLAU_IDENTITY_DIR": str(folder / "identity"),
        "VONGLAU_SECRETS_KEY_FILE": str(folder / "secrets.key"),
    }
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "services.ingest", env=environment)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def ffmpegs(folder: Path, urls: Sequence[str]) -> AsyncIterator[list[psutil.Process]]:
    """One recorder per camera, fragmented MP4 in files of 60 s."""
    processes = [await asyncio.create_subprocess_exec(*ffmpeg_argv(folder, number, url)) for number, url in enumerate(urls)]
    try:
        yield [psutil.Process(process.pid) for process in processes]
    finally:
        for process in processes:
            process.kill()
        await asyncio.gather(*(process.wait() for process in processes))
        shutil.rmtree(folder / "ffmpeg", ignore_errors=True)


def ffmpeg_argv(folder: Path, number: int, url: str) -> list[str]:
    target = folder / "ffmpeg" / str(number)
    target.mkdir(parents=True, exist_ok=True)
    fragmented = "movflags=+frag_keyframe+empty_moov+default_base_moof"
    output = ["-c", "copy", "-f", "segment", "-segment_time", "60", "-segment_format", "mp4", "-segment_format_options", fragmented]
    return [FFMPEG, "-v", "error", "-nostdin", "-rtsp_transport", "tcp", "-i", url, *output, str(target / "%05d.mp4")]


async def memory_without_cameras(folder: Path, nats_url: str) -> float:
    """PSS in MB of a process that records nothing."""
    async with ingest(folder, nats_url) as process:
        await eventually(lambda: (folder / "run" / "ingest.address").exists(), within=30)
        await asyncio.sleep(SETTLE_S)
        return pss(process)


async def register(broker: Broker, urls: Sequence[str]) -> None:
    """Registry's events and the access state, as registry would have written them."""
    store, headers = JetStreamStore(broker.nc), HeaderWriter("/vonglau/bench/registry", SystemClock())
    state = KeyValue(broker, ACCESS_STATE)
    await publish(state, owner_key(OWNER), OwnerEntry(frozenset({"local"}), 1))
    for number, url in enumerate(urls):
        camera = f"bench-{number}"
        stream = aggregate_stream("registry", "camera", camera)
        details = events.CameraDetails(display_name=camera, camera_class=events.CAMERA_CLASS_NON_TRAFFIC)
        details.streams.add(kind=events.STREAM_KIND_MAIN, url=url)
        event = events.CameraRegistered(camera=camera, owner=OWNER, details=details)
        await store.append([Append(stream, 0, headers.write(event, stream.subject, Call("person:bench"), 1), event.SerializeToString())])
        await publish(state, camera_key(camera), CameraEntry(OWNER, "non_traffic", 1))


async def statuses(folder: Path) -> ListCameraStatusesResponse:
    token = LocalIssuer(folder / "identity").token(Caller("person", "local"), 600, "local")
    async with channel(find(folder / "run", "ingest"), lambda: token) as connected:
        return await IngestStub(connected).ListCameraStatuses(ListCameraStatusesRequest())


async def recording(folder: Path) -> None:
    async def all_are() -> bool:
        try:
            found = (await statuses(folder)).statuses
        except (grpc.aio.AioRpcError, OSError):
            return False
        return sum(status.state == RECORDING_STATE_RECORDING for status in found) == CAMERAS

    await eventually(lambda: (folder / "run" / "ingest.address").exists(), within=30)
    await eventually(all_are, within=60, why="all cameras recorded")


async def cpu_percent(processes: Sequence[psutil.Process]) -> float:
    """User and system time of the processes and their children over one window, in percent of one core."""
    before, began = cpu_seconds(processes), time.monotonic()
    await asyncio.sleep(WINDOW_S)
    return (cpu_seconds(processes) - before) / (time.monotonic() - began) * 100


def cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    tree = [one for process in processes for one in (process, *process.children(recursive=True))]
    return sum(sum(process.cpu_times()[:2]) for process in tree)


def pss(process: psutil.Process) -> float:
    """MB of 2^20 bytes over the process tree."""
    return sum(one.memory_full_info().pss for one in (process, *process.children(recursive=True))) / (1 << 20)


async def undecodable(footage: Path) -> int:
    segments = await asyncio.to_thread(lambda: sorted(footage.rglob("*.mp4")))
    broken = 0
    for path in random.Random(1).sample(segments, min(SAMPLED, len(segments))):
        argv = [FFMPEG, "-v", "error", "-xerror", "-i", str(path), "-f", "null", "-"]
        process = await asyncio.create_subprocess_exec(*argv, stderr=asyncio.subprocess.PIPE)
        _, said = await process.communicate()
        broken += bool(process.returncode or said)
    return broken + (SAMPLED - min(SAMPLED, len(segments)))
