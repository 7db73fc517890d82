"""`python -m services.ingest`: records cameras."""
from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack

from services.ingest.beginnings import Beginnings
from services.ingest.claims import Claims
from services.ingest.epochs import Epochs
from services.ingest.gauges import observe
from services.ingest.listening import Listening
from services.ingest.outbox import Outbox
from services.ingest.peers import Peers
from services.ingest.pools import Assignment
from services.ingest.roster import Roster
from services.ingest.roster_reader import RosterReader
from services.ingest.segment import ClosedSegment
from services.ingest.servicer import Servicer
from services.ingest.session import DataPlane
from services.ingest.settings import IngestSettings
from services.ingest.sharing import Sharing
from services.ingest.spool import Spool
from services.ingest.spool.recovery import recover
from services.ingest.spool_folder import held
from services.ingest.spool_loss import SEGMENTS, SpoolLoss
from services.ingest.station import Station
from services.ingest.statuses import Statuses
from services.ingest.telling import Telling
from services.ingest.unassigned import Unassigned
from services.ingest.uploader import Uploader
from vonglau.access import Access, AccessState
from vonglau.broker import KeyValue, attached
from vonglau.broker.topology import ACCESS_STATE, CLAIMS, FACT_INGEST, SECRETS
from vonglau.clock import SystemClock
from vonglau.ending import Parts, ended
from vonglau.eventlog import FactPublisher, FactReader, HeaderWriter, checked_id
from vonglau.footage import open_footage
from vonglau.footage.roles import INGEST
from vonglau.identity import JWKS_FILE, Verifier
from vonglau.ingest.v1.service_pb2_grpc import add_IngestServicer_to_server
from vonglau.rpc import Identity, Server, address_file, run_service, tls_of
from vonglau.secrets import SealedSecrets
from vonglau.subscription import JetStreamEvents
from vonglau.telemetry import inject

SERVICE = "ingest"
CATCH_UP_S = 2.0  # for the facts of the process before, which say how its recordings ended
# Shares of the grace at a stop, in this order; what is not done by then is done at the next start.
OTHERS, DISK, STORE, CALLS = 0.25, 0.1, 0.35, 0.2

logger = logging.getLogger(__name__)


async def main(settings: IngestSettings, stop: asyncio.Event) -> None:
    async with AsyncExitStack() as stack:
        node, pool = checked_id("node", settings.node), checked_id("pool", settings.pool)
        stack.enter_context(held(settings.spool_dir))
        broker = await stack.enter_async_context(attached(settings, SERVICE, f"{SERVICE} {node}"))
        clock = SystemClock()
        publisher = FactPublisher(broker.nc, HeaderWriter(f"/vonglau/{settings.tenant}/{SERVICE}", clock, inject), f"service:{SERVICE}")
        footage = await open_footage(settings, INGEST)
        stack.push_async_callback(footage.close)

        recovered = await asyncio.to_thread(recover, settings.spool_dir / SEGMENTS)
        outbox = Outbox(settings.spool_dir / "outbox", publisher)
        uploader = Uploader(footage, publisher, clock, Epochs(recovered.segments), linger_s=settings.linger_s)
        telling = Telling(outbox, uploader.waits_before)
        roster = Roster()
        listening = Listening(uploader, outbox, round(settings.clock_limit_s * 1e9), telling.told_as, roster.class_of)
        spool = new_spool(settings, listening)
        uploader.serve(spool.bounds, advanced=telling.advanced, lost=listening.segment_lost)
        take_up(recovered.segments, spool, uploader)

        secrets = SealedSecrets(KeyValue(broker, SECRETS), settings.secrets_key_file)
        facts = FactReader(broker.nc, FACT_INGEST)
        beginnings = Beginnings(secrets, facts, spool.bounds.closed, clock)
        plane = DataPlane(settings.data_plane, clock, spool)
        places, end, follow = Assignment(pool, node, roster), uploader.end_epoch, uploader.follow
        station = Station(plane, roster, places, beginnings, telling, end, settings.max_cameras, settings.viewer_buffer_bytes, follow)
        sharing = Sharing(broker, settings, station, spool)
        peers = Peers(Identity(settings, SERVICE), sharing.members, station, node)
        stack.push_async_callback(peers.close)
        access = Access(await stack.enter_async_context(AccessState(KeyValue(broker, ACCESS_STATE))), settings.platform_admins)
        reader = RosterReader(JetStreamEvents(broker.nc), node, roster, sharing.camera_changed)
        observe(station, spool, listening.clock_limit_ns, lambda: reader.is_caught_up)
        statuses = Statuses(broker, station, spool, listening, lambda: reader.is_caught_up, unreadable=len(recovered.unreadable))
        server = Server(
            settings.listen,
            [(add_IngestServicer_to_server, Servicer(access, station, spool, statuses, sharing, peers))],
            Verifier(settings.identity_dir / JWKS_FILE, settings.tenant),
            service=SERVICE,
            ready={"log": lambda: broker.is_connected},
            grace_s=CALLS * settings.grace_s,
            address_file=address_file(settings.run_dir, SERVICE),
            tls=tls_of(settings),
            health_address=settings.health_listen,
        )
        await stack.enter_async_context(server)
        claims = Claims(KeyValue(broker, CLAIMS), pool, node, settings.advertise or server.address)
        async with Parts() as parts:  # a part that fails ends the process: half of it would be worse than a restarted one
            telling_all = [parts.start(part) for part in (outbox.run(), *(uploader.work() for _ in range(settings.upload_workers)))]
            await outbox.drain(CATCH_UP_S)
            accounting = await accounted(parts, SpoolLoss(settings.spool_dir, claims, facts, publisher, clock), stop)
            watching = Unassigned(sharing.assignment, facts, telling.tell_of_another, clock).run(broker, lambda: reader.is_caught_up)
            recording = [accounting, *map(parts.start, (reader.run(), *station.parts(claims), *sharing.parts(claims.address), watching))]
            await stop.wait()
            await sharing.hand_over(OTHERS * settings.grace_s)
            await ended(recording)
            await finish(station, spool, uploader, outbox, settings.grace_s)
            await sharing.goodbye()
            await ended(telling_all)
            await asyncio.to_thread(outbox.close, DISK * settings.grace_s)


async def accounted(parts: Parts, loss: SpoolLoss, stop: asyncio.Event) -> asyncio.Task[int]:
    """What a lost spool held is told before the first camera's past is asked for; a stop does not wait for it."""
    accounting = parts.start(loss.account())
    await asyncio.wait((accounting, parts.start(stop.wait())), return_when=asyncio.FIRST_COMPLETED)
    return accounting


def new_spool(settings: IngestSettings, listener: Listening) -> Spool:
    """Its threads report on the event loop."""
    plane = settings.data_plane
    return Spool(
        settings.spool_dir / SEGMENTS,
        limit_bytes=plane.spool_limit_bytes,
        pending_bytes=plane.spool_pending_bytes,
        threads=plane.spool_threads,
        listener=listener,
        post=asyncio.get_running_loop().call_soon_threadsafe,
    )


def take_up(left: list[ClosedSegment], spool: Spool, uploader: Uploader) -> None:
    """What the process before has left in the spool."""
    spool.adopt(left)
    for segment in left:
        uploader.add(segment)


async def finish(station: Station, spool: Spool, uploader: Uploader, outbox: Outbox, grace_s: float) -> None:
    """What is on air ends, and as much as can be in time (s) is stored and told."""
    await station.stop()
    if not await asyncio.to_thread(spool.close, DISK * grace_s):
        logger.warning("the spool's disk hangs; what it has not written is lost")
    await asyncio.gather(uploader.drain(STORE * grace_s), outbox.drain(STORE * grace_s))
    uploader.close()


if __name__ == "__main__":
    run_service(SERVICE, IngestSettings, main)
