"""`python -m services.recording`: timelines, playback, proof. What archives and deletes is a process of its own, `services.recording.retention_job`."""
from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial

from services.recording.archive_key import proving_key
from services.recording.buckets import Buckets
from services.recording.camera_hour import CameraHours
from services.recording.cameras import Cameras
from services.recording.checked_facts import CheckedFacts
from services.recording.deletion import Deletions
from services.recording.footage_index import FootageIndex
from services.recording.gap_watch import GapWatch
from services.recording.index_state import PROJECTION, SOURCES, IndexState
from services.recording.playback import Playback
from services.recording.recorded_camera import RecordedCameras
from services.recording.reindex import Reindex
from services.recording.servicer import Servicer
from services.recording.settings import RecordingSettings
from services.recording.spool import IngestSpool
from services.recording.timelines import Timelines
from services.recording.verify import Verifier
from vonglau.access import Access, AccessState
from vonglau.broker import Broker, KeyValue, attached
from vonglau.broker.topology import ACCESS_STATE, ES_RECORDING, FACT_AGE_S
from vonglau.clock import SystemClock
from vonglau.documents import open_documents
from vonglau.eventlog import Call, LogWalk
from vonglau.footage import open_footage
from vonglau.footage.roles import RECORDING
from vonglau.identity import JWKS_FILE
from vonglau.identity import Verifier as TokenVerifier
from vonglau.leases import Lease
from vonglau.operations.servicer import OperationsServicer
from vonglau.operations.v1.service_pb2_grpc import add_ProjectionsServicer_to_server
from vonglau.recording.v1.service_pb2_grpc import add_RecordingServicer_to_server
from vonglau.rpc import Identity, Server, address_file, address_of, caller, run_service
from vonglau.subscription import JetStreamEvents, Projection, ProjectionRunner
from vonglau.telemetry import gauge, names
from vonglau.timers import Every, KeptRuns, Timers

SERVICE = "recording"
ARCHIVING_S = 4 * 3600.0  # that a run over a city's cameras may take


async def main(settings: RecordingSettings, stop: asyncio.Event) -> None:
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(attached(settings, SERVICE))
        lease = partial(leased, broker, settings.lease_ttl_s)
        footage = await open_footage(settings, RECORDING)
        stack.push_async_callback(footage.close)
        documents = open_documents(settings, SERVICE)
        stack.push_async_callback(documents.close)
        key = proving_key(settings)

        views = (CameraHours(), RecordedCameras(), Cameras(), Deletions())
        seed = Reindex(footage, [key], clock, facts_kept_s=FACT_AGE_S)
        facts = CheckedFacts(JetStreamEvents(broker.nc), footage)
        runner = ProjectionRunner(
            Projection(PROJECTION, SOURCES, views, seed=seed), documents=documents, events=facts, lease=lease("projection"),
        )
        buckets = ProjectionRunner(Buckets(footage).subscription, documents=documents, events=JetStreamEvents(broker.nc), lease=lease("buckets"))
        for each in (runner, buckets):
            await each.start()
            stack.push_async_callback(each.stop)

        identity = Identity(settings, SERVICE)
        link = identity.link("ingest", address_of(settings, "ingest"))
        stack.push_async_callback(link.close)
        index, spool = FootageIndex(documents), IngestSpool(link)
        timelines = Timelines(index, spool, clock)
        watch = GapWatch(index, timelines, clock)
        gauge(names.PENDING_LATE, lambda: [(watch.late, {})])
        walk = LogWalk(broker.nc, ES_RECORDING)
        timers = Timers(lease("jobs"), KeptRuns(broker), clock)
        timers.every(f"{SERVICE}-gap-watch", Every(settings.gap_watch_every_s), lambda _: watch.run())
        timers.every(f"{SERVICE}-log-walk", Every(settings.log_walk_every_s), lambda _: walk.run())
        await timers.start(ready=IndexState(documents, facts).caught_up)
        stack.push_async_callback(timers.stop)

        access = Access(await stack.enter_async_context(AccessState(KeyValue(broker, ACCESS_STATE))), settings.platform_admins)
        late_archive_s = settings.archive_grace_s + 2 * settings.archive_every_s + ARCHIVING_S
        verifier = Verifier(index, footage, [key], clock, archived_after_s=late_archive_s)
        servicer = Servicer(access, runner, index, timelines, Playback(index, footage, spool), verifier, clock)
        server = Server(
            settings.listen,
            [
                (add_RecordingServicer_to_server, servicer),
                (add_ProjectionsServicer_to_server, OperationsServicer([runner, buckets], partial(authorised, access))),
            ],
            TokenVerifier(settings.identity_dir / JWKS_FILE, settings.tenant),
            service=SERVICE,
            ready={"log": lambda: broker.is_connected},
            grace_s=settings.grace_s,
            address_file=address_file(settings.run_dir, SERVICE),
            tls=identity.tls,
            health_address=settings.health_listen,
        )
        await stack.enter_async_context(server)
        await stop.wait()


def leased(broker: Broker, ttl_s: int, job: str) -> Lease:
    return Lease(broker, f"{SERVICE}-{job}", ttl_s=ttl_s)


async def authorised(access: Access, context: object, action: str) -> None:
    await access.require(Call(str(caller(context)), getattr(context, "method", "")), action)


if __name__ == "__main__":
    run_service(SERVICE, RecordingSettings, main)
