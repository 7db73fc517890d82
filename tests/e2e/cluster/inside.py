"""What runs in the toolbox pod: one process for many cameras, where a command line for each would take longer than what is measured.

python - retire FIRST LAST: retires those cameras.
python - timelines FROM TO LAST: camera -> [[kind, cause, s], …] as JSON; TO may lie ahead, and is pending then.
python - knock SERVICE: how a call with a good token ends by certificate, as JSON.
python - presented SERVICE…: service -> SHA-256 (hex) of the certificate that it presents to a new connection, as JSON.
python - log_without_key URL: what NATS says to somebody without a key.
python - leader STREAM URL…: the NATS server that leads it, by what the servers' monitoring says; empty: none.
"""
from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
import urllib.request
from collections.abc import Callable, Coroutine, Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import grpc
import nats
from google.protobuf.message import Message

from vonglau.identity import Caller, LocalIssuer
from vonglau.ingest.v1 import service_pb2 as ingest
from vonglau.ingest.v1.events_pb2 import GapCause
from vonglau.ingest.v1.service_pb2_grpc import IngestStub
from vonglau.recording.v1 import service_pb2 as recording
from vonglau.recording.v1.service_pb2_grpc import RecordingStub
from vonglau.registry.v1.events_pb2 import PURPOSE_SECURITY_ORDER
from vonglau.registry.v1.service_pb2 import ListOwnersRequest, RetireCameraRequest
from vonglau.registry.v1.service_pb2_grpc import RegistryStub
from vonglau.rpc import Tls, channel
from vonglau.testing.certificates import Authority

WITHIN_S = 30.0
AT_ONCE = 8  # calls


def link(service: str) -> grpc.aio.Channel:
    tenant, folder = os.environ["VONGLAU_TENANT"], os.environ.get("VONGLAU_TLS_DIR")
    token = LocalIssuer(Path(os.environ["VONGLAU_DATA"]) / "identity").source(Caller("person", "platform"), tenant)
    return channel(os.environ[f"VONGLAU_{service.upper()}_ADDRESS"], token, tls=Tls(Path(folder), tenant) if folder else None, service=service)


def cameras(first: str, last: str) -> Iterable[str]:
    return (f"e2e-cam-{each}" for each in range(int(first), int(last) + 1))


async def retire(first: str, last: str) -> None:
    turns = asyncio.Semaphore(AT_ONCE)
    async with link("registry") as there:
        retiring = RegistryStub(there).RetireCamera

        async def one(camera: str) -> None:
            async with turns:
                await retiring(RetireCameraRequest(camera=camera, reason="e2e"), timeout=WITHIN_S)

        await asyncio.gather(*map(one, cameras(first, last)))


async def timelines(begun: str, ended: str, last: str) -> None:
    found = {}
    async with link("recording") as there:
        for each in cameras("1", last):
            request = recording.GetTimelineRequest(camera=each, purpose=PURPOSE_SECURITY_ORDER)
            getattr(request, "from").FromDatetime(datetime.fromisoformat(begun))
            request.to.FromDatetime(datetime.fromisoformat(ended))
            timeline = await RecordingStub(there).GetTimeline(request, timeout=WITHIN_S)
            found[each] = [stretch(one) for one in timeline.stretches]
    sys.stdout.write(json.dumps(found))


def stretch(one: recording.Stretch) -> tuple[str, str, float]:
    kind = recording.StretchKind.Name(one.kind).removeprefix("STRETCH_KIND_").lower()
    cause = GapCause.Name(one.cause).removeprefix("GAP_CAUSE_").lower() if one.cause else ""
    return kind, cause, (one.end.ToNanoseconds() - one.start.ToNanoseconds()) / 1e9


async def knock(service: str) -> None:
    tenant, own = os.environ["VONGLAU_TENANT"], Path(os.environ["VONGLAU_TLS_DIR"])
    address, name = os.environ[f"VONGLAU_{service.upper()}_ADDRESS"], f"{service}.{tenant}.vonglau"
    trusted = (own / "ca.crt").read_bytes()
    with TemporaryDirectory() as folder:
        unknown = Authority().issue(Path(folder), f"test.{tenant}.vonglau")
        ways = {
            "own": grpc.ssl_channel_credentials(trusted, (own / "tls.key").read_bytes(), (own / "tls.crt").read_bytes()),
            "plain": None,
            "none": grpc.ssl_channel_credentials(trusted),
            "unknown": grpc.ssl_channel_credentials(trusted, (unknown / "tls.key").read_bytes(), (unknown / "tls.crt").read_bytes()),
        }
    token = LocalIssuer(Path(os.environ["VONGLAU_DATA"]) / "identity").token(Caller("person", "platform"), ttl_s=60, audience=tenant)
    found = {}
    for way, credentials in ways.items():
        options = [("grpc.ssl_target_name_override", name)]
        opened = grpc.aio.insecure_channel(address) if credentials is None else grpc.aio.secure_channel(address, credentials, options)
        async with opened:
            found[way] = await outcome(service, opened, token)
    sys.stdout.write(json.dumps(found))


async def outcome(service: str, opened: grpc.aio.Channel, token: str) -> str:
    calls: Mapping[str, tuple[Any, Message]] = {
        "registry": (RegistryStub(opened).ListOwners, ListOwnersRequest()),
        "ingest": (IngestStub(opened).ListCameraStatuses, ingest.ListCameraStatusesRequest()),
        "recording": (RecordingStub(opened).ListSummaries, recording.ListSummariesRequest()),
    }
    call, request = calls[service]
    try:
        await call(request, timeout=WITHIN_S, metadata=[("authorization", f"Bearer {token}")])
    except grpc.aio.AioRpcError as error:
        return error.code().name
    return "OK"


async def presented(*services: str) -> None:
    own = Path(os.environ["VONGLAU_TLS_DIR"])
    context = ssl.create_default_context(cafile=str(own / "ca.crt"))
    context.load_cert_chain(own / "tls.crt", own / "tls.key")
    context.set_alpn_protocols(["h2"])
    found = {}
    for each in services:
        host, port = os.environ[f"VONGLAU_{each.upper()}_ADDRESS"].rpartition("/")[2].split(":")
        _, writer = await asyncio.open_connection(host, int(port), ssl=context, server_hostname=f"{each}.{os.environ['VONGLAU_TENANT']}.vonglau")
        found[each] = sha256(writer.get_extra_info("ssl_object").getpeercert(binary_form=True)).hexdigest()
        writer.close()
    sys.stdout.write(json.dumps(found))


async def log_without_key(url: str) -> None:
    said: list[str] = []

    async def told(error: Exception) -> None:
        said.append(str(error))

    context = ssl.create_default_context(cafile=str(Path(os.environ["VONGLAU_TLS_DIR"]) / "ca.crt"))
    try:
        await nats.connect(url, tls=context, error_cb=told, allow_reconnect=False, max_reconnect_attempts=0)
    except Exception as error:  # noqa: BLE001 - whatever it is is what a test asks for
        said.append(str(error))
    sys.stdout.write("; ".join(said))


async def leader(stream: str, *urls: str) -> None:
    for url in urls:
        try:
            with urllib.request.urlopen(f"{url}/jsz?streams=true&accounts=true", timeout=5) as answer:  # noqa: S310, ASYNC210 - nothing else runs here
                told = json.load(answer)
        except OSError:
            continue
        for account in told.get("account_details", ()):
            for each in account.get("stream_detail", ()):
                if each["name"] == stream and (name := each.get("cluster", {}).get("leader")):
                    sys.stdout.write(name)
                    return


COMMANDS: Mapping[str, Callable[..., Coroutine[Any, Any, None]]] = {
    "retire": retire, "timelines": timelines, "knock": knock, "presented": presented, "log_without_key": log_without_key, "leader": leader,
}

if __name__ == "__main__":
    asyncio.run(COMMANDS[sys.argv[1]](*sys.argv[2:]))
