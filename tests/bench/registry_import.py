"""Import of 20,405 cameras (the city's report of February 2025) over gRPC, twice: the second run must write nothing."""
from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure
from vonglau.broker import NatsServer, connect
from vonglau.broker.topology import ES_REGISTRY
from vonglau.identity import Caller, LocalIssuer
from vonglau.registry.v1 import service_pb2 as pb
from vonglau.registry.v1.events_pb2 import (
    CAMERA_CLASS_NON_TRAFFIC,
    PURPOSE_SECURITY_ORDER,
    PURPOSE_TRAFFIC_SAFETY,
    STREAM_KIND_MAIN,
    STREAM_KIND_SUB,
    CameraDetails,
    Place,
    StreamProfile,
)
from vonglau.registry.v1.service_pb2_grpc import RegistryStub
from vonglau.rpc import channel, find
from vonglau.testing.waiting import eventually

ROWS = 20_405
BAR_S = 30
OWNERS = ("ward-hoan-kiem", "ward-ba-dinh", "city-police")
ROWS_IN_A_MESSAGE = 500


def rows(*, with_credentials: bool) -> Iterator[pb.ImportRow]:
    """Main and sub stream, serial number, place: four events a camera."""
    for number in range(ROWS):
        address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        streams = [StreamProfile(kind=STREAM_KIND_MAIN, url=f"rtsp://{address}/main"), StreamProfile(kind=STREAM_KIND_SUB, url=f"rtsp://{address}/sub")]
        details = CameraDetails(
            display_name=f"Ngã tư số {number}",
            camera_class=CAMERA_CLASS_NON_TRAFFIC,
            purposes=[PURPOSE_SECURITY_ORDER, PURPOSE_TRAFFIC_SAFETY],
            serial_number=f"SN-{number:06d}",
            place=Place(latitude_deg=21 + number / 1e6, longitude_deg=105.8, address=f"{number} Phố Huế"),
            streams=streams,
        )
        credential = pb.Credential(username="admin", password=f"made-up-{number}") if with_credentials else None
        yield pb.ImportRow(row=number + 1, owner=OWNERS[number % 3], details=details, credential=credential)


async def main() -> list[Figure]:
    measured = []
    for with_credentials in (False, True):
        kind = "with a credential each" if with_credentials else "without credentials"
        async with registry() as (stub, nats_url):
            for run, written in (("first", 4 * ROWS), ("second", 0)):
                before = await events(nats_url)
                outcomes, seconds = await one_run(stub, with_credentials=with_credentials)
                wrote = await events(nats_url) - before
                expected = pb.IMPORT_OUTCOME_REGISTERED if run == "first" else pb.IMPORT_OUTCOME_UNCHANGED
                if outcomes != {expected: ROWS} or wrote != written:
                    raise AssertionError(f"{run} run: {outcomes}, {wrote} events")
                measured.append(Figure(f"import of {ROWS:,} cameras, {kind}, {run} run", seconds, "s", bar=f"≤ {BAR_S}", reached=seconds <= BAR_S))
    return measured


async def one_run(stub: Any, *, with_credentials: bool) -> tuple[dict[int, int], float]:
    """How often each outcome came, and how long it took."""
    given = list(rows(with_credentials=with_credentials))
    requests = [pb.ImportCamerasRequest(rows=given[start : start + ROWS_IN_A_MESSAGE]) for start in range(0, ROWS, ROWS_IN_A_MESSAGE)]
    outcomes: dict[int, int] = {}
    began = time.monotonic()
    async for response in stub.ImportCameras(iter(requests)):
        for result in response.results:
            outcomes[result.outcome] = outcomes.get(result.outcome, 0) + 1
    return outcomes, time.monotonic() - began


@asynccontextmanager
async def registry() -> AsyncIterator[tuple[Any, str]]:
    """A fresh platform of NATS and registry as processes of their own, with three owners."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with NatsServer(folder / "nats") as server:
            issuer = LocalIssuer(folder / "identity")
            environ = os.environ | {
                "VONGLAU_NATS_URL": server.url,
                "VONGLAU_RUN_DIR": str(folder / "run"),
                "VONGLAU_DATA_DIR": str(folder / "documents"),
                "VONGLAU_IDENTITY_DIR": str(folder / "identity"),
                "VONGLAU_SECRETS_KEY_FILE": str(folder / "secrets.key"),
                "VONGLAU_PLATFORM_ADMINS": "platform",
            }
            process = await asyncio.create_subprocess_exec(sys.executable, "-m", "services.registry", env=environ)
            await eventually((folder / "run" / "registry.address").exists, within=20)
            address = find(folder / "run", "registry")
            try:
                async with (
                    channel(address, lambda: issuer.token(Caller("person", "platform"), 600, "local")) as platform,
                    channel(address, lambda: issuer.token(Caller("person", "lan"), 600, "local")) as lan,
                ):
                    for owner in OWNERS:
                        request = pb.RegisterOwnerRequest(owner=owner, display_name=owner, administrators=["lan"])
                        await RegistryStub(platform).RegisterOwner(request)
                    yield RegistryStub(lan), server.url
            finally:
                process.kill()  # nothing of it is needed any more
                await process.wait()


async def events(nats_url: str) -> int:
    async with connect(nats_url, name="bench", within=5) as broker:
        return int((await broker.js.stream_info(ES_REGISTRY)).state.messages)

