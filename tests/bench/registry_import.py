"""`vonglau camera import` of 20,405 cameras (the city's report of February 2025), twice: the command's wall time; the second run writes nothing."""
from __future__ import annotations

import asyncio
import csv
import os
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import orjson
import psutil

from tests.bench.figures import Figure
from vonglau.broker import NatsServer, connect
from vonglau.broker.topology import ES_REGISTRY
from vonglau.identity import Caller, LocalIssuer
from vonglau.registry.v1 import service_pb2 as pb
from vonglau.registry.v1.service_pb2_grpc import RegistryStub
from vonglau.rpc import channel, find
from vonglau.testing.waiting import eventually

ROWS = 20_405
BAR_S = 30
OWNERS = ("ward-hoan-kiem", "ward-ba-dinh", "city-police")


def inventory(path: Path, *, with_credentials: bool) -> None:
    """Main and sub stream, serial number, place: four events a camera."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["owner", "name", "url", "sub_url", "serial", "purposes", "latitude", "longitude", "address", "username", "password"])
        for number in range(ROWS):
            address = f"rtsp://10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
            place = [21 + number / 1e6, 105.8, f"{number} Phố Huế"]
            credential = ["admin", f"made-up-{number}"] if with_credentials else ["", ""]
            name, purposes = f"Ngã tư số {number}", "security_order;traffic_safety"
            writer.writerow([OWNERS[number % 3], name, f"{address}/main", f"{address}/sub", f"SN-{number:06d}", purposes, *place, *credential])


async def main() -> list[Figure]:
    measured = []
    for with_credentials in (False, True):
        kind = "with a credential each" if with_credentials else "without credentials"
        async with registry() as there:
            inventory(there.folder / "inventory.csv", with_credentials=with_credentials)
            for run, written in (("first", 4 * ROWS), ("second", 0)):
                before = await events(there.url)
                outcomes, seconds = await one_run(there.folder)
                wrote = await events(there.url) - before
                expected = "registered" if run == "first" else "unchanged"
                if outcomes != {expected: ROWS} or wrote != written:
                    raise AssertionError(f"{run} run: {outcomes}, {wrote} events")
                measured.append(Figure(f"import of {ROWS:,} cameras, {kind}, {run} run", seconds, "s", bar=f"≤ {BAR_S}", reached=seconds <= BAR_S))
    return measured


async def one_run(folder: Path) -> tuple[dict[str, int], float]:
    """How often each outcome came, and how long the command took from its start to its end."""
    began = time.monotonic()
    process = await importing(folder)
    said, _ = await process.communicate()
    seconds = time.monotonic() - began
    return orjson.loads(said)["counts"], seconds


async def importing(folder: Path) -> asyncio.subprocess.Process:
    """The command, of `inventory.csv` in the folder of a registry; it says on stdout what became of it, as JSON."""
    arguments = (Path(sys.executable).with_name("vonglau"), "camera", "import", folder / "inventory.csv", "--as", "lan", "--json")
    return await asyncio.create_subprocess_exec(*map(str, arguments), env=os.environ | {"VONGLAU_DATA": str(folder)}, stdout=PIPE)


class Running(NamedTuple):
    """A registry and its NATS server, each a process of its own."""

    folder: Path
    url: str  # of NATS
    service: psutil.Process
    nats: psutil.Process


@asynccontextmanager
async def registry(documents: str = "") -> AsyncIterator[Running]:
    """A fresh platform of NATS and registry with three owners. documents: of a server; empty: SQLite."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with NatsServer(folder / "nats") as server:
            issuer = LocalIssuer(folder / "identity")
            environ = os.environ | {
                "VONGLAU_NATS_URL": server.url,
                "VONGLAU_RUN_DIR": str(folder / "run"),
                "VONGLAU_DATA_DIR": str(folder / "documents"),
                "VONGLAU_DOCUMENTS": documents,
                "VONGLAU_IDENTITY_DIR": str(folder / "identity"),
                "VONGLAU_SECRETS_KEY_FILE": str(folder / "secrets.key"),
                "VONGLAU_PLATFORM_ADMINS": "platform",
            }
            process = await asyncio.create_subprocess_exec(sys.executable, "-m", "services.registry", env=environ)
            await eventually((folder / "run" / "registry.address").exists, within=20)
            address = find(folder / "run", "registry")
            try:
                async with channel(address, lambda: issuer.token(Caller("person", "platform"), 600, "local")) as platform:
                    for owner in OWNERS:
                        request = pb.RegisterOwnerRequest(owner=owner, display_name=owner, administrators=["lan"])
                        await RegistryStub(platform).RegisterOwner(request)
                assert server.process is not None
                yield Running(folder, server.url, psutil.Process(process.pid), psutil.Process(server.process.pid))
            finally:
                process.kill()  # nothing of it is needed any more
                await process.wait()


async def events(nats_url: str) -> int:
    async with connect(nats_url, name="bench", within=5) as broker:
        return int((await broker.js.stream_info(ES_REGISTRY)).state.messages)

