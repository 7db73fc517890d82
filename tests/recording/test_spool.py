"""The way to the ingest process that holds a spool."""
from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from services.recording.spool import IngestSpool, spooled_spans
from vonglau.errors import NotFound, Refused, Unavailable, VonglauError
from vonglau.identity import JWKS_FILE, Caller, LocalIssuer, Verifier
from vonglau.ingest.v1.service_pb2 import ReadSpoolResponse, SpoolFragment, SpoolSegment
from vonglau.ingest.v1.service_pb2_grpc import IngestServicer, add_IngestServicer_to_server
from vonglau.rpc import Link, Server, address_file, find

pytestmark = pytest.mark.loopback
SEGMENT = ReadSpoolResponse(segment=SpoolSegment(epoch=7, number=3, start_ns=100, end_ns=200, contiguous=True))


class Holder(IngestServicer):
    def __init__(self, responses: list[ReadSpoolResponse], error: VonglauError | None = None) -> None:
        self.responses = responses
        self.error = error
        self.asked: list[Any] = []

    async def ReadSpool(self, request: Any, context: Any) -> AsyncIterator[ReadSpoolResponse]:  # noqa: N802
        self.asked.append(request)
        for each in self.responses:
            yield each
        if self.error:
            raise self.error


@asynccontextmanager
async def served(folder: Path, holder: Holder) -> AsyncIterator[None]:
    proof = Verifier(folder / JWKS_FILE, "local")
    servicers = [(add_IngestServicer_to_server, holder)]
    async with Server("127.0.0.1:0", servicers, proof, service="ingest", grace_s=0.1, address_file=address_file(folder, "ingest")):
        yield


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[IngestSpool]:
    link = Link("ingest", partial(find, tmp_path, "ingest"), LocalIssuer(tmp_path).source(Caller("service", "recording"), "local"))
    yield IngestSpool(link)
    await link.close()


def holding(*responses: ReadSpoolResponse, error: VonglauError | None = None) -> Holder:
    holder: Any = type("Whole", (Holder,), dict.fromkeys(("GetCameraStatus", "ListCameraStatuses", "Watch")))
    made: Holder = holder(list(responses), error)
    return made


async def test_spans_are_read_without_media(tmp_path: Path, spool: IngestSpool) -> None:
    holder = holding(SEGMENT, ReadSpoolResponse(fragment=SpoolFragment(start_ns=100, end_ns=150)))
    async with served(tmp_path, holder):
        (span,) = await spooled_spans(spool, "cam-1", 50, 500) or []
    assert (span.epoch, span.first, span.start, span.end, span.contiguous, span.spooled) == (7, 3, 100, 200, True, True)
    assert [(each.camera, each.from_ns, each.to_ns, each.index_only) for each in holder.asked] == [("cam-1", 50, 500, True)]


async def test_an_ingest_process_that_started_anew_is_found_at_its_new_address(tmp_path: Path, spool: IngestSpool) -> None:
    for _ in range(2):
        async with served(tmp_path, holding(SEGMENT)):
            assert [each async for each in spool.read("cam-1", 0, 500)] == [SEGMENT]


async def test_without_an_ingest_process_the_spool_is_away(spool: IngestSpool) -> None:
    with pytest.raises(Unavailable):
        _ = [each async for each in spool.read("cam-1", 0, 500)]
    assert await spooled_spans(spool, "cam-1", 0, 500) is None


async def test_a_camera_that_the_process_does_not_hold_has_nothing_in_the_spool(tmp_path: Path, spool: IngestSpool) -> None:
    async with served(tmp_path, holding(error=NotFound("camera", "cam-1"))):
        assert await spooled_spans(spool, "cam-1", 0, 500) == []


async def test_a_process_that_breaks_off_is_away(tmp_path: Path, spool: IngestSpool) -> None:
    async with served(tmp_path, holding(SEGMENT, error=Refused("SPOOL_BUSY", "not now"))):
        with pytest.raises(Unavailable, match="not now"):
            _ = [each async for each in spool.read("cam-1", 0, 500)]
