"""`python -m services.ingest`: records cameras."""
from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from services.ingest import roster_reader
from services.ingest.claims import Claims
from services.ingest.epochs import Epochs
from services.ingest.gauges import observe
from services.ingest.listening import Listening
from services.ingest.outbox import Outbox
from services.ingest.roster import Roster
from services.ingest.servicer import Servicer
from services.ingest.session import DataPlane
from services.ingest.settings import IngestSettings
from services.ingest.spool import Spool
from services.ingest.spool.recovery import recover
from services.ingest.station import Station
from services.ingest.uploader import Uploader
from vonglau.access import Access, AccessState
from vonglau.broker import KeyValue, connect
from vonglau.broker.topology import ACCESS_STATE, CLAIMS, FACT_INGEST, SECRETS, ensure
from vonglau.clock import SystemClock
from vonglau.eventlog import FactPublisher, FactReader, HeaderWriter
from vonglau.footage import FolderFootage
from vonglau.identity import JWKS_FILE, Verifier
from vonglau.ingest.v1.service_pb2_grpc import add_IngestServicer_to_server
from vonglau.rpc import Server, address_file, run_service
from vonglau.secrets import SealedSecrets
from vonglau.subscription import JetStreamEvents
from vonglau.telemetry import inject

SERVICE = "ingest"
HURRY = 0.4  # of the grace at a stop goes to what is still to be stored; the rest is stored at the next start


async def main(settings: IngestSettings, stop: asyncio.Event) -> None:
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(connect(settings.nats_url, name=f"{SERVICE} {settings.node}"))
        await ensure(broker)
        clock = SystemClock()
        publisher = FactPublisher(broker.nc, HeaderWriter(f"/vonglau/{settings.tenant}/{SERVICE}", clock, inject), f"service:{SERVICE}")
        footage = FolderFootage(settings.footage_dir)
        stack.push_async_callback(footage.close)

        recovered = await asyncio.to_thread(recover, settings.spool_dir / "segments")
        epochs = Epochs(recovered.segments)
        outbox = Outbox(settings.spool_dir / "outbox", publisher)
        uploader = Uploader(footage, publisher, clock, is_last_of_epoch=epochs.is_last, linger_s=settings.linger_s)
        spool = Spool(
            settings.spool_dir / "segments",
            limit_bytes=settings.data_plane.spool_limit_bytes,
            pending_bytes=settings.data_plane.spool_pending_bytes,
            threads=settings.data_plane.spool_threads,
            listener=Listening(uploader, outbox, round(settings.clock_limit_s * 1_000_000_000)),
            post=asyncio.get_running_loop().call_soon_threadsafe,
        )
        uploader.serve(spool.bounds)
        spool.adopt(recovered.segments)
        for segment in recovered.segments:
            uploader.add(segment)

        station = Station(
            DataPlane(settings.data_plane, clock, spool),
            Roster(),
            SealedSecrets(KeyValue(broker, SECRETS), settings.secrets_key_file),
            FactReader(broker.nc, FACT_INGEST),
            outbox,
            settings.max_cameras,
            settings.viewer_buffer_bytes,
        )
        observe(station, spool)
        access = Access(await stack.enter_async_context(AccessState(KeyValue(broker, ACCESS_STATE))), settings.platform_admins)
        server = Server(
            settings.listen,
            [(add_IngestServicer_to_server, Servicer(access, broker, station, spool, uploader))],
            Verifier(settings.identity_dir / JWKS_FILE, settings.tenant),
            service=SERVICE,
            ready={"log": lambda: broker.is_connected},
            grace_s=settings.grace_s / 4,
            address_file=address_file(settings.run_dir, SERVICE),
        )
        await stack.enter_async_context(server)
        claims = Claims(KeyValue(broker, CLAIMS), settings.pool, settings.node, server.address)
        follow = roster_reader.follow(JetStreamEvents(broker.nc), settings.node, station.roster, station.changed, asyncio.Event())
        parts = (station.run(claims), outbox.run(), follow, *(uploader.work() for _ in range(settings.upload_workers)))
        async with asyncio.TaskGroup() as group:  # a part that fails ends the process: half of it would be worse than a restarted one
            running = [group.create_task(part) for part in parts]
            await stop.wait()
            await station.stop(epochs)
            await asyncio.to_thread(spool.close)
            await asyncio.sleep(0)  # what the spool's threads have reported arrives
            await asyncio.gather(uploader.drain(HURRY * settings.grace_s), outbox.drain(HURRY * settings.grace_s))
            uploader.close()
            for task in running:
                task.cancel()


if __name__ == "__main__":
    run_service(SERVICE, IngestSettings, main)
