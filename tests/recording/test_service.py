"""The service as it runs: its RPCs over gRPC, on a real NATS server, SQLite and a folder."""
from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import fields
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from services.recording.__main__ import main
from services.recording.archive_key import proving_key, signing_key
from services.recording.retention_job import __main__ as retention_job
from services.recording.retention_job.settings import RetentionSettings
from services.recording.settings import RecordingSettings
from vonglau.access import CameraEntry, OwnerEntry, camera_key, owner_key, publish
from vonglau.broker import Broker, KeyValue
from vonglau.broker.topology import ACCESS_STATE
from vonglau.errors import Denied, Invalid, Refused, Unauthenticated, VonglauError
from vonglau.eventlog import Call, EventLog, FactPublisher, Fold, HeaderWriter, JetStreamStore, aggregate_stream
from vonglau.footage import FolderFootage, footage_bucket
from vonglau.identity import JWKS_FILE, Caller, LocalIssuer, Verifier
from vonglau.ingest.v1 import service_pb2 as ingest_pb
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_RETENTION_DELETED, GAP_CAUSE_TRANSPORT_LOST, InterruptionObserved, SegmentRecorded
from vonglau.ingest.v1.service_pb2_grpc import IngestServicer, add_IngestServicer_to_server
from vonglau.media.fragments import fragments, init_length
from vonglau.media.segment import metadata_of
from vonglau.operations.v1 import service_pb2 as operations_pb
from vonglau.operations.v1.service_pb2_grpc import ProjectionsStub
from vonglau.recording.v1 import service_pb2 as pb
from vonglau.recording.v1.service_pb2_grpc import RecordingStub
from vonglau.registry.v1.events_pb2 import CAMERA_CLASS_NON_TRAFFIC, PURPOSE_SECURITY_ORDER, CameraDetails, CameraRegistered
from vonglau.rpc import Server, address_file, channel, error_of, find
from vonglau.settings import PlatformSettings
from vonglau.testing.clock import SettableClock
from vonglau.testing.waiting import eventually

if TYPE_CHECKING:
    from vonglau.recording.v1.service_pb2_grpc import RecordingAsyncStub

pytestmark = pytest.mark.loopback
SECOND = 1_000_000_000
BEGIN_S = 1_767_225_600  # 2026-01-01T00:00:00Z; the objects of the tests say when they were recorded
KINDS = {SegmentRecorded: "segment", InterruptionObserved: "interruption"}


def at(seconds: float) -> Timestamp:
    return Timestamp(seconds=BEGIN_S + int(seconds))


def span(cls: Any, start: float, end: float, camera: str = "cam-1", **more: Any) -> Any:
    return cls(**{"camera": camera, "from": at(start), "to": at(end), **more})


class SpoolHolder(IngestServicer):
    """An ingest process that holds what a test gave it."""

    def __init__(self) -> None:
        self.responses: list[ingest_pb.ReadSpoolResponse] = []
        self.callers: set[str] = set()

    async def ReadSpool(self, request: Any, context: Any) -> AsyncIterator[ingest_pb.ReadSpoolResponse]:  # noqa: N802
        self.callers.add(str(context.caller))
        for each in self.responses:
            if each.HasField("segment") or not request.index_only:
                yield each


class Platform:
    """A recording service between a log, a store and an ingest process."""

    def __init__(self, folder: Path, broker: Broker, nats_url: str) -> None:
        self.settings = RecordingSettings(
            nats_url=nats_url, run_dir=folder / "run", data_dir=folder / "documents", footage_dir=folder / "footage", identity_dir=folder / "identity",
            platform_admins=("platform",), grace_s=1.0,
            archive_public_key_file=folder / "archive.pub", archive_grace_s=1e9,  # what the tests record is months old
        )
        (folder / "archive.pub").write_bytes(signing_key(self.settings).public_key().public_bytes_raw())
        self.issuer = LocalIssuer(self.settings.identity_dir)
        self.broker = broker
        self.footage = FolderFootage(self.settings.footage_dir)
        headers = HeaderWriter("/test", SettableClock((BEGIN_S - 3600) * SECOND))  # cameras were registered before they recorded
        self.facts = FactPublisher(broker.nc, headers, "service:ingest")
        self.log = EventLog(JetStreamStore(broker.nc), headers)
        self.spool = SpoolHolder()  # type: ignore[abstract]
        self.stack = AsyncExitStack()

    async def allow(self, camera: str = "cam-1", owner: str = "police", person: str = "lan") -> None:
        rights = KeyValue(self.broker, ACCESS_STATE)
        await publish(rights, owner_key(owner), OwnerEntry(frozenset({person}), 1))
        await publish(rights, camera_key(camera), CameraEntry(owner, "non_traffic", 1))
        event = CameraRegistered(camera=camera, owner=owner, details=CameraDetails(camera_class=CAMERA_CLASS_NON_TRAFFIC))
        await self.log.decide(aggregate_stream("registry", "camera", camera), Fold(lambda _, event: event), lambda _: [event], call=Call("person:test"))

    async def serve_ingest(self) -> None:
        proof = Verifier(self.settings.identity_dir / JWKS_FILE, self.settings.tenant)
        file = address_file(self.settings.run_dir, "ingest")
        server = Server("127.0.0.1:0", [(add_IngestServicer_to_server, self.spool)], proof, service="ingest", grace_s=0.5, address_file=file)
        await self.stack.enter_async_context(server)

    async def start(self) -> None:
        running = self.run(main, self.settings)
        await eventually(lambda: self.address_file.exists() or running.done())

    def retain(self) -> None:
        """What is months old is due."""
        told = {field.name: getattr(self.settings, field.name) for field in fields(PlatformSettings)}
        self.run(retention_job.main, RetentionSettings(**told, retention_every_s=1))

    def run(self, program: Callable[[Any, asyncio.Event], Coroutine[Any, Any, None]], settings: PlatformSettings) -> asyncio.Task[None]:
        stop = asyncio.Event()
        running = asyncio.create_task(program(settings, stop))

        async def end() -> None:
            stop.set()
            done, _ = await asyncio.wait([running], timeout=10)
            if not done:  # as after a second signal
                running.cancel()
            await asyncio.gather(running, return_exceptions=not done)

        self.stack.push_async_callback(end)
        return running

    @property
    def address_file(self) -> Path:
        return address_file(self.settings.run_dir, "recording")

    def channel(self, person: str = "lan", token: str = "") -> grpc.aio.Channel:
        caller = Caller("person", person)
        opened = channel(find(self.settings.run_dir, "recording"), lambda: token or self.issuer.token(caller, 600, self.settings.tenant))
        self.stack.push_async_callback(opened.close)
        return opened

    def stub(self, person: str = "lan", token: str = "") -> RecordingAsyncStub:
        return RecordingStub(self.channel(person, token))

    async def record(self, fact: SegmentRecorded, body: bytes) -> str:
        """Store the object and tell of it; the version of the fact."""
        fact.sha256, fact.size_bytes = sha256(body).digest(), len(body)
        await self.footage.ensure_bucket(footage_bucket(fact.owner))
        await self.footage.put_bytes(footage_bucket(fact.owner), fact.key, body, metadata_of(fact))
        return await self.tell(fact, f"{fact.epoch}-{fact.number}")

    async def tell(self, fact: Any, identity: str) -> str:
        return f"fact_ingest:{await self.facts.publish(KINDS[type(fact)], fact.camera, fact, identity)}"


@pytest.fixture
async def platform(tmp_path: Path, broker: Broker, nats_server: Any) -> AsyncIterator[Platform]:
    made = Platform(tmp_path, broker, nats_server.url)
    async with made.stack:
        await made.allow()
        await made.start()
        yield made
    await made.footage.close()


async def refusal(call: Any) -> VonglauError:
    ended = anext(aiter(call)) if hasattr(call, "__aiter__") else call
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await ended
    return error_of(failed.value)


async def answers(stub: RecordingAsyncStub, request: Any) -> bool:
    try:
        await stub.GetTimeline(request, timeout=1)
    except grpc.aio.AioRpcError:
        return False
    return True


Make = Callable[..., Any]


async def test_a_timeline_names_the_gap_and_its_cause(platform: Platform, segment: Make) -> None:
    await platform.record(segment(0, 0), b"one")
    told = InterruptionObserved(camera="cam-1", owner="police", epoch=1, cause=GAP_CAUSE_TRANSPORT_LOST)
    told.begun_ns, told.ended_ns = (BEGIN_S + 60) * SECOND, (BEGIN_S + 75) * SECOND
    await platform.tell(told, "1")
    version = await platform.record(segment(1, 75), b"two")
    timeline = await platform.stub().GetTimeline(span(pb.GetTimelineRequest, 0, 135, min_version=version))
    assert [(each.kind, each.start.seconds - BEGIN_S, each.end.seconds - BEGIN_S, each.cause) for each in timeline.stretches] == [
        (pb.STRETCH_KIND_RECORDED, 0, 60, 0),
        (pb.STRETCH_KIND_GAP, 60, 75, GAP_CAUSE_TRANSPORT_LOST),
        (pb.STRETCH_KIND_RECORDED, 75, 135, 0),
    ]
    assert timeline.newest.seconds == BEGIN_S + 135
    assert [mark.kind for mark in timeline.marks] == [pb.MARK_KIND_EPOCH]


async def test_a_camera_that_never_recorded_anything_has_a_timeline(platform: Platform) -> None:
    told = InterruptionObserved(camera="cam-1", owner="police", epoch=1, cause=GAP_CAUSE_TRANSPORT_LOST, begun_ns=(BEGIN_S - 10) * SECOND)
    version = await platform.tell(told, "1")
    timeline = await platform.stub().GetTimeline(span(pb.GetTimelineRequest, 0, 60, min_version=version))
    assert [(each.kind, each.cause) for each in timeline.stretches] == [(pb.STRETCH_KIND_GAP, GAP_CAUSE_TRANSPORT_LOST)]


async def test_timeline_and_playback_go_on_into_the_spool(platform: Platform, segment: Make, media: Make) -> None:
    version = await platform.record(segment(0, 0, 10, contiguous=True), media(0, 10))
    without = await platform.stub().GetTimeline(span(pb.GetTimelineRequest, 0, 20, min_version=version))
    assert (without.spool_reachable, [each.kind for each in without.stretches]) == (False, [pb.STRETCH_KIND_RECORDED, pb.STRETCH_KIND_PENDING])

    await platform.serve_ingest()
    body = media(10, 5)
    head = ingest_pb.SpoolSegment(
        epoch=1, number=1, owner="police", start_ns=(BEGIN_S + 10) * SECOND, end_ns=(BEGIN_S + 15) * SECOND, contiguous=True, growing=True,
        codec="avc1.4d401f", init_segment=body[:init_length(body)],
    )
    platform.spool.responses = [ingest_pb.ReadSpoolResponse(segment=head)] + [
        ingest_pb.ReadSpoolResponse(fragment=ingest_pb.SpoolFragment(media=body[each.offset:each.offset + each.size])) for each in fragments(body)
    ]
    timeline = await platform.stub().GetTimeline(span(pb.GetTimelineRequest, 0, 15))
    assert (timeline.spool_reachable, [each.kind for each in timeline.stretches]) == (True, [pb.STRETCH_KIND_RECORDED])
    responses = [each async for each in platform.stub().Play(span(pb.PlayRequest, 2, 15, purpose=PURPOSE_SECURITY_ORDER))]
    assert [each.file.number for each in responses if each.HasField("file")] == [1]
    assert responses[-1].position.seconds == BEGIN_S + 15
    assert len(list(fragments(b"".join(each.data for each in responses)))) == 13
    assert platform.spool.callers == {"service:recording"}


async def test_verify_reports_progress_findings_and_a_summary(platform: Platform, segment: Make) -> None:
    await platform.record(segment(0, 0), b"one")
    version = await platform.record(segment(2, 120), b"two")
    await platform.stub().GetTimeline(span(pb.GetTimelineRequest, 0, 10, min_version=version))
    responses = [each async for each in platform.stub().Verify(pb.VerifyRequest())]
    assert responses[0].progress.objects_total == 2
    assert {each.finding.reason for each in responses if each.HasField("finding")} == {"CHAIN_BROKEN"}
    assert responses[-1].summary.objects_checked == 2


async def test_summaries_are_paged_and_show_only_what_the_caller_may_know(platform: Platform, segment: Make) -> None:
    await platform.allow("cam-2")
    await platform.allow("cam-3", "ward", "minh")
    version = await platform.record(segment(0, 0, camera="cam-2"), b"one")
    stub = platform.stub()
    await stub.GetTimeline(span(pb.GetTimelineRequest, 0, 10, camera="cam-2", min_version=version))
    first = await stub.ListSummaries(pb.ListSummariesRequest(page_size=1))
    second = await stub.ListSummaries(pb.ListSummariesRequest(page_size=1, page_token=first.next_page_token))
    assert [each.camera for each in (*first.summaries, *second.summaries)] == ["cam-1", "cam-2"]
    assert (second.next_page_token, second.summaries[0].segments, second.summaries[0].size_bytes) == ("", 1, 3)
    assert second.summaries[0].oldest == at(0)
    assert isinstance(await refusal(stub.ListSummaries(pb.ListSummariesRequest(owner="ward"))), Denied)


async def test_summaries_that_take_long_come_on_shorter_pages(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    for camera in ("cam-2", "cam-3"):
        await platform.allow(camera)
    stub, pages = platform.stub(), list[list[str]]()
    monkeypatch.setattr("services.recording.servicer.remaining", lambda _: 0.0)
    monkeypatch.setattr("services.recording.summaries.TOGETHER", 1)
    token = None
    while token != "":
        page = await stub.ListSummaries(pb.ListSummariesRequest(page_token=token))
        pages.append([each.camera for each in page.summaries])
        token = page.next_page_token
    assert pages == [["cam-1"], ["cam-2"], ["cam-3"]]


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [(10, 10, "RANGE_IMPOSSIBLE"), (10, 5, "RANGE_IMPOSSIBLE"), (0, 32 * 86_400, "RANGE_TOO_LONG"), (9e9, 9e9 + 5, "RANGE_IMPOSSIBLE")],
)
async def test_an_impossible_range_is_refused(platform: Platform, start: float, end: float, reason: str) -> None:
    stub = platform.stub()
    for call in (stub.GetTimeline(span(pb.GetTimelineRequest, start, end)), stub.Play(span(pb.PlayRequest, start, end, purpose=1))):
        error = await refusal(call)
        assert (type(error), error.reason) == (Invalid, reason)


async def test_strangers_get_nothing_and_cannot_tell_what_exists(platform: Platform, segment: Make) -> None:
    await platform.record(segment(0, 0), b"one")
    for person in ("minh", "platform"):
        stub = platform.stub(person)
        for make in (stub.GetTimeline, stub.Play):
            cls = pb.GetTimelineRequest if make is stub.GetTimeline else pb.PlayRequest
            known, unknown = [await refusal(make(span(cls, 0, 10, camera=camera, purpose=1))) for camera in ("cam-1", "cam-9")]
            assert type(known) is type(unknown) is Denied
            assert known.reason == unknown.reason
        assert isinstance(await refusal(stub.Verify(pb.VerifyRequest())), Denied)
    assert isinstance(await refusal(platform.stub(token="forged").GetTimeline(span(pb.GetTimelineRequest, 0, 10))), Unauthenticated)  # noqa: S106
    assert (await refusal(platform.stub().Play(span(pb.PlayRequest, 0, 10)))).reason == "PURPOSE_MISMATCH"


async def test_an_operator_rebuilds_the_index_and_sees_no_footage(platform: Platform, segment: Make) -> None:
    version = await platform.record(segment(0, 0), b"one")
    before = await platform.stub().GetTimeline(span(pb.GetTimelineRequest, 0, 60, min_version=version))
    operations = cast("Any", ProjectionsStub(platform.channel("platform")))
    request = operations_pb.RebuildProjectionRequest(projection="recording")
    assert [each async for each in operations.RebuildProjection(request)][-1].done
    assert await platform.stub().GetTimeline(span(pb.GetTimelineRequest, 0, 60)) == before


async def test_the_retention_job_deletes_what_is_due_and_recording_proves_it_by_the_public_key(platform: Platform, segment: Make) -> None:
    fact = segment(0, 0)
    await platform.record(fact, b"one")
    platform.retain()
    bucket = footage_bucket("police")

    async def is_deleted() -> bool:
        timeline = await platform.stub().GetTimeline(span(pb.GetTimelineRequest, 0, 60))
        return [(each.kind, each.cause) for each in timeline.stretches] == [(pb.STRETCH_KIND_GAP, GAP_CAUSE_RETENTION_DELETED)]

    await eventually(is_deleted, within=20)
    assert await platform.footage.head(bucket, fact.key) is None
    responses = [each async for each in platform.stub().Verify(span(pb.VerifyRequest, -86_400, 86_400))]
    assert [each.finding for each in responses if each.HasField("finding")] == []
    assert responses[-1].summary.archives_checked == 2  # what was recorded, and its deletion


async def test_a_killed_process_goes_on_where_it_was(platform: Platform, segment: Make, tmp_path: Path) -> None:
    await platform.stack.aclose()
    told = ("nats_url", "run_dir", "data_dir", "footage_dir", "identity_dir", "archive_public_key_file", "archive_grace_s")
    environment = {**os.environ, **{f"VONGLAU_{name.upper()}": str(getattr(platform.settings, name)) for name in told}}
    for number in range(2):
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "services.recording", env=environment, cwd=Path(__file__).parents[2])
        await eventually(platform.address_file.exists, within=20)
        version = await platform.record(segment(number, number * 60, contiguous=True), b"x%d" % number)
        stub = platform.stub()
        request = span(pb.GetTimelineRequest, 0, 60 * (number + 1), min_version=version)
        await eventually(partial(answers, stub, request), within=20)  # the lease of the killed process has to end
        timeline = await stub.GetTimeline(request)
        assert [(each.kind, each.end.seconds - BEGIN_S) for each in timeline.stretches] == [(pb.STRETCH_KIND_RECORDED, 60 * (number + 1))]
        process.send_signal(signal.SIGTERM if number else signal.SIGKILL)
        code = await process.wait()
        assert code == (0 if number else -signal.SIGKILL)
        platform.address_file.unlink(missing_ok=True)
    await platform.stack.aclose()


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33])
def test_a_key_of_archives_that_is_none_is_told(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "archive.pub"
    file.write_bytes(content)
    with pytest.raises(Refused, match=r"archive\.pub is no Ed25519 key") as refused:
        proving_key(RecordingSettings(archive_public_key_file=file))
    assert refused.value.reason == "ARCHIVE_KEY_MALFORMED"
    file.chmod(0o600)
    with pytest.raises(Refused) as refused:
        signing_key(RecordingSettings(archive_key_file=file, footage_dir=tmp_path))
    assert refused.value.reason == "ARCHIVE_KEY_MALFORMED"


def test_a_public_half_that_belongs_to_another_key_is_told_before_anything_is_signed(tmp_path: Path) -> None:
    settings = RecordingSettings(archive_key_file=tmp_path / "archive.key", footage_dir=tmp_path / "footage")
    (tmp_path / "archive.pub").write_bytes(signing_key(settings).public_key().public_bytes_raw())
    assert signing_key(settings).public_key() == proving_key(RecordingSettings(archive_public_key_file=tmp_path / "archive.pub"))
    (tmp_path / "archive.key").unlink()
    with pytest.raises(Refused) as refused:
        signing_key(settings)
    assert refused.value.reason == "ARCHIVE_KEYS_DIFFER"
