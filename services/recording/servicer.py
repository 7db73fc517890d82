"""The RPCs: who is asking, the question, the reply."""
from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from services.recording.days import DAY_NS, HOUR_NS, SECOND_NS
from services.recording.footage_index import FootageIndex
from services.recording.playback import Playback
from services.recording.summaries import Summaries
from services.recording.timeline import marks_of, message
from services.recording.timelines import Timelines
from services.recording.verify import Verifier
from vonglau.access import Access
from vonglau.clock import Clock
from vonglau.errors import Invalid
from vonglau.eventlog import Version
from vonglau.recording.v1 import service_pb2 as pb
from vonglau.recording.v1.service_pb2_grpc import RecordingServicer
from vonglau.rpc import PageToken, call, page_size, remaining
from vonglau.subscription import ProjectionRunner

LONGEST_TIMELINE_NS, LONGEST_PLAY_NS = 31 * DAY_NS, 24 * HOUR_NS
LATEST_NS = 2**63 - 1  # that 64 bits hold
DEFAULT_PAGE, LARGEST_PAGE = 50, 200


class Servicer(RecordingServicer):
    """No RPC deletes or edits footage."""

    def __init__(
        self, access: Access, runner: ProjectionRunner, index: FootageIndex, timelines: Timelines, playback: Playback, verifier: Verifier, clock: Clock,
    ) -> None:
        self._access = access
        self._runner = runner
        self._index = index
        self._timelines = timelines
        self._playback = playback
        self._verifier = verifier
        self._summaries = Summaries(index, timelines, clock)
        self._clock = clock

    async def GetTimeline(self, request: pb.GetTimelineRequest, context: Any) -> pb.Timeline:
        start, end = span_of(getattr(request, "from"), request.to, LONGEST_TIMELINE_NS, "31 days")
        await self._access.require(call(context, request), "camera.read", camera=request.camera, purpose=request.purpose, case=request.case)
        if request.min_version:
            await self._runner.passed(Version.parse(request.min_version), remaining(context))
        derived = await self._timelines.of(request.camera, start, end)
        marks = marks_of(derived.entries, derived.hours, start, end)
        return message(derived.stretches, marks, derived.newest, derived.spool_reachable)

    async def Play(self, request: pb.PlayRequest, context: Any) -> AsyncIterator[pb.PlayResponse]:
        start, end = span_of(getattr(request, "from"), request.to, LONGEST_PLAY_NS, "24 h")
        permit = await self._access.require(
            call(context, request), "footage.play_raw", camera=request.camera, purpose=request.purpose, case=request.case,
        )
        async for response in self._playback.play(request.camera, start, min(end, self._clock.now_ns()), permit.owners):
            yield response

    async def Verify(self, request: pb.VerifyRequest, context: Any) -> AsyncIterator[pb.VerifyResponse]:
        start = nanoseconds(getattr(request, "from")) if request.HasField("from") else 0
        end = nanoseconds(request.to) if request.HasField("to") else self._clock.now_ns()
        must_be_in_order(start, end)
        permit = await self._access.require(call(context, request), "camera.read", camera=request.camera)
        cameras = [request.camera] if request.camera else [each async for each in self._index.registered_to(permit.owners)]
        owners = () if request.camera else sorted(permit.owners or ())
        async for response in self._verifier.verify(cameras, start, end, owners):
            yield response

    async def ListSummaries(self, request: pb.ListSummariesRequest, context: Any) -> pb.ListSummariesResponse:
        scope = self._access.scope(call(context, request), "camera.read")
        owners = scope.owners
        if request.owner:
            owners = (await self._access.require(call(context, request), "camera.read", owner=request.owner)).owners
        after, size = PageToken.decode(request), page_size(request, default=DEFAULT_PAGE, most=LARGEST_PAGE)
        cameras = await self._index.registered(owners, after[0] if after else "", size + 1)
        summaries = await self._summaries.of(cameras[:size], remaining(context) / 2)
        following = PageToken.encode(request, [summaries[-1].camera]) if len(cameras) > len(summaries) else ""
        return pb.ListSummariesResponse(summaries=summaries, next_page_token=following)


def span_of(start: Timestamp, end: Timestamp, longest_ns: int, told: str) -> tuple[int, int]:
    """Raises: Invalid (RANGE_IMPOSSIBLE, RANGE_TOO_LONG)."""
    start_ns, end_ns = nanoseconds(start), nanoseconds(end)
    must_be_in_order(start_ns, end_ns)
    if end_ns > LATEST_NS:
        raise Invalid("RANGE_IMPOSSIBLE", "a range ends in 2262 or earlier", field="to")
    if end_ns - start_ns > longest_ns:
        raise Invalid("RANGE_TOO_LONG", f"a range is at most {told} long; ask for it in parts", field="to")
    return start_ns, end_ns


def must_be_in_order(start_ns: int, end_ns: int) -> None:
    if not 0 <= start_ns < end_ns:
        raise Invalid("RANGE_IMPOSSIBLE", "a range begins in 1970 or later and ends after it begins", field="to")


def nanoseconds(at: Timestamp) -> int:
    return at.seconds * SECOND_NS + at.nanos
