"""`python -m services.registry`: who owns what."""
from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial

from services.registry.access_writer import AccessWriter
from services.registry.credentials import Credentials
from services.registry.inventory import Inventory, InventoryView
from services.registry.journal import Journal
from services.registry.owners import Owners, OwnersView
from services.registry.projects import Projects, ProjectsView
from services.registry.servicer import Servicer, Views
from services.registry.settings import RegistrySettings
from vonglau.access import Access, AccessState
from vonglau.broker import KeyValue, attached
from vonglau.broker.advisories import watched
from vonglau.broker.topology import ACCESS_STATE, ES_REGISTRY, SECRETS
from vonglau.clock import SystemClock
from vonglau.documents import open_documents
from vonglau.eventlog import Call, HeaderWriter, JetStreamStore, LogWalk
from vonglau.identity import JWKS_FILE, Verifier
from vonglau.leases import Lease
from vonglau.operations.servicer import OperationsServicer
from vonglau.operations.v1.service_pb2_grpc import add_ProjectionsServicer_to_server
from vonglau.registry.v1.service_pb2_grpc import add_RegistryServicer_to_server
from vonglau.rpc import Server, address_file, caller, run_service, tls_of
from vonglau.secrets import SealedSecrets
from vonglau.subscription import JetStreamEvents, Projection, ProjectionRunner, Source
from vonglau.telemetry import inject
from vonglau.timers import Every, KeptRuns, Timers

SERVICE = "registry"


async def main(settings: RegistrySettings, stop: asyncio.Event) -> None:
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(attached(settings, SERVICE))
        await stack.enter_async_context(watched(broker))

        headers = HeaderWriter(f"/vonglau/{settings.tenant}/{SERVICE}", SystemClock(), inject)
        journal = Journal(JetStreamStore(broker.nc), headers, cached=settings.cached_aggregates)
        credentials = Credentials(SealedSecrets(KeyValue(broker, SECRETS), settings.secrets_key_file))
        access_state = KeyValue(broker, ACCESS_STATE)
        access = Access(await stack.enter_async_context(AccessState(access_state)), settings.platform_admins)

        documents = open_documents(settings, SERVICE)
        stack.push_async_callback(documents.close)
        events = JetStreamEvents(broker.nc)
        everything = Source(ES_REGISTRY, ("es.registry.owner.*", "es.registry.project.*", "es.registry.camera.*"))
        views = Projection(SERVICE, [everything], [OwnersView(), ProjectsView(), InventoryView()])
        writer = AccessWriter(access_state, journal.log)
        await writer.start_over_if_lost(documents)
        runners = [
            ProjectionRunner(reads, documents=documents, events=events, lease=Lease(broker, reads.name, ttl_s=settings.lease_ttl_s))
            for reads in (views, writer.subscription)
        ]
        for runner in runners:
            await runner.start()
            stack.push_async_callback(runner.stop)

        walk = LogWalk(broker.nc, ES_REGISTRY)
        timers = Timers(Lease(broker, f"{SERVICE}-jobs", ttl_s=settings.lease_ttl_s), KeptRuns(broker))
        timers.every(f"{SERVICE}-log-walk", Every(settings.log_walk_every_s), lambda _: walk.run())
        await timers.start()
        stack.push_async_callback(timers.stop)

        shown = Views(Inventory(documents), Owners(documents), Projects(documents), runners[0])
        servicer = Servicer(access, journal, credentials, shown, settings.import_rows)
        server = Server(
            settings.listen,
            [(add_RegistryServicer_to_server, servicer), (add_ProjectionsServicer_to_server, OperationsServicer(runners, partial(authorised, access)))],
            Verifier(settings.identity_dir / JWKS_FILE, settings.tenant),
            service=SERVICE,
            ready={"log": lambda: broker.is_connected},
            grace_s=settings.grace_s,
            address_file=address_file(settings.run_dir, SERVICE),
            tls=tls_of(settings),
            health_address=settings.health_listen,
        )
        await stack.enter_async_context(server)
        await stop.wait()


async def authorised(access: Access, context: object, action: str) -> None:
    await access.require(Call(str(caller(context)), getattr(context, "method", "")), action)


if __name__ == "__main__":
    run_service(SERVICE, RegistrySettings, main)
