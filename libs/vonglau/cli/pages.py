"""Whole lists out of paged answers."""
from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

import grpc

from vonglau.cli.session import Session
from vonglau.errors import Unavailable
from vonglau.ingest.v1 import service_pb2 as ingest
from vonglau.recording.v1 import service_pb2 as recording
from vonglau.registry.v1 import service_pb2 as registry

if TYPE_CHECKING:
    from vonglau.registry.v1.service_pb2_grpc import RegistryAsyncStub  # only in the stubs' typing


class Request(Protocol):
    page_token: str


class Page(Protocol):
    @property
    def next_page_token(self) -> str: ...


Asked = TypeVar("Asked", bound=Request)
Answered = TypeVar("Answered", bound=Page)


async def pages(call: Callable[[Asked], Awaitable[Answered]], request: Asked) -> AsyncIterator[Answered]:
    """Each page of an answer, up to the last."""
    while True:
        page = await call(request)
        yield page
        request.page_token = page.next_page_token
        if not request.page_token:
            return


async def all_owners(stub: RegistryAsyncStub) -> list[registry.Owner]:
    return [owner async for page in pages(stub.ListOwners, registry.ListOwnersRequest()) for owner in page.owners]


async def all_cameras(stub: RegistryAsyncStub, request: registry.ListCamerasRequest) -> list[registry.Camera]:
    request.page_size = 1000
    return [camera async for page in pages(stub.ListCameras, request) for camera in page.cameras]


async def statuses(session: Session, owner: str = "") -> dict[str, ingest.CameraStatus]:
    """Live statuses by camera; empty where ingest is away, since a list of cameras is worth having without."""
    try:
        return (await live(session, owner))[0]
    except (grpc.aio.AioRpcError, Unavailable):
        return {}


async def live(session: Session, owner: str = "") -> tuple[dict[str, ingest.CameraStatus], ingest.IngestHealth]:
    found: dict[str, ingest.CameraStatus] = {}
    health = ingest.IngestHealth()
    async with session.ingest() as stub:
        async for page in pages(stub.ListCameraStatuses, ingest.ListCameraStatusesRequest(owner=owner)):
            found.update({status.camera: status for status in page.statuses})
            health = page.health
    return found, health


async def summaries(session: Session, owner: str = "") -> dict[str, recording.CameraSummary]:
    async with session.recording() as stub:
        all_pages = pages(stub.ListSummaries, recording.ListSummariesRequest(owner=owner, page_size=200))
        return {summary.camera: summary async for page in all_pages for summary in page.summaries}
