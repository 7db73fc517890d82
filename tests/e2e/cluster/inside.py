"""What runs in the toolbox pod: one process for many cameras, where a command line for each would take longer than what is measured.

python - retire FIRST LAST: retires those cameras.
python - timelines FROM TO LAST: camera -> [[kind, cause, s], …] as JSON; TO may lie ahead, and is pending then.
"""
from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Coroutine, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import grpc

from vonglau.identity import Caller, LocalIssuer
from vonglau.ingest.v1.events_pb2 import GapCause
from vonglau.recording.v1 import service_pb2 as recording
from vonglau.recording.v1.service_pb2_grpc import RecordingStub
from vonglau.registry.v1.events_pb2 import PURPOSE_SECURITY_ORDER
from vonglau.registry.v1.service_pb2 import RetireCameraRequest
from vonglau.registry.v1.service_pb2_grpc import RegistryStub
from vonglau.rpc import Tls, channel

WITHIN_S = 30.0


def link(service: str) -> grpc.aio.Channel:
    tenant, folder = os.environ["VONGLAU_TENANT"], os.environ.get("VONGLAU_TLS_DIR")
    token = LocalIssuer(Path(os.environ["VONGLAU_DATA"]) / "identity").source(Caller("person", "platform"), tenant)
    return channel(os.environ[f"VONGLAU_{service.upper()}_ADDRESS"], token, tls=Tls(Path(folder), tenant) if folder else None, service=service)


def cameras(first: str, last: str) -> Iterable[str]:
    return (f"e2e-cam-{each}" for each in range(int(first), int(last) + 1))


async def retire(first: str, last: str) -> None:
    async with link("registry") as there:
        for each in cameras(first, last):
            await RegistryStub(there).RetireCamera(RetireCameraRequest(camera=each, reason="e2e"), timeout=WITHIN_S)


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


COMMANDS: Mapping[str, Callable[..., Coroutine[Any, Any, None]]] = {"retire": retire, "timelines": timelines}

if __name__ == "__main__":
    asyncio.run(COMMANDS[sys.argv[1]](*sys.argv[2:]))
