"""Whole lists out of paged answers."""
from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import grpc

from vonglau.cli.session import Session
from vonglau.errors import Unavailable
from vonglau.ingest.v1 import service_pb2 as ingest
from vonglau.recording.v1 import service_pb2 as recording
from vonglau.registry.v1 import service_pb2 as registry

if TYPE_CHECKING:
    from vonglau.registry.v1.service_pb2_grpc import RegistryAsyncStub  # only in the stubs' typing


async def all_owners(stub: RegistryAsyncStub) -> AsyncIterator[registry.Owner]:
    token = ""
    while True:
        page = await stub.ListOwners(registry.ListOwnersRequest(page_token=token))
        for owner in page.owners:
            yield owner
        token = page.next_page_token
        if not token:
            return


async def all_cameras(stub: RegistryAsyncStub, request: registry.ListCamerasRequest) -> AsyncIterator[registry.Camera]:
    request.page_size = 1000
    while True:
        page = await stub.ListCameras(request)
        for camera in page.cameras:
            yield camera
        request.page_token = page.next_page_token
        if not request.page_token:
            return


async def statuses(session: Session, owner: str = "") -> dict[str, ingest.CameraStatus]:
    """Live statuses by camera; empty where ingest is away, since a list of cameras is worth having without."""
    try:
        return (await live(session, owner))[0]
    except (grpc.aio.AioRpcError, Unavailable):
        return {}


async def live(session: Session, owner: str = "") -> tuple[dict[str, ingest.CameraStatus], ingest.IngestHealth]:
    found: dict[str, ingest.CameraStatus] = {}
    request = ingest.ListCameraStatusesRequest(owner=owner)
    async with session.ingest() as stub:
        while True:
            page = await stub.ListCameraStatuses(request)
            found.update({status.camera: status for status in page.statuses})
            request.page_token = page.next_page_token
            if not request.page_token:
                return found, page.health


async def summaries(session: Session, owner: str = "") -> dict[str, recording.CameraSummary]:
    found: dict[str, recording.CameraSummary] = {}
    request = recording.ListSummariesRequest(owner=owner)
    async with session.recording() as stub:
        while True:
            page = await stub.ListSummaries(request)
            found.update({summary.camera: summary for summary in page.summaries})
            request.page_token = page.next_page_token
            if not request.page_token:
                return found
