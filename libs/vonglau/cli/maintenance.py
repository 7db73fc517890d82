"""vonglau rebuild, parked, token: for those who keep the platform running."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import grpc
import typer

from vonglau.cli.misspelt import Misspelt
from vonglau.cli.options import FAILED, AsJson, AsPerson, perform
from vonglau.cli.pages import pages
from vonglau.cli.session import LOCAL, Session
from vonglau.cli.times import rfc3339, shown
from vonglau.operations.v1 import service_pb2 as operations
from vonglau.rpc import error_of

SERVICES = ("registry", "recording")  # those that have projections

parked = typer.Typer(no_args_is_help=True, help="Events that could not be applied, with what waits behind them.")

Service = Annotated[str, typer.Argument(metavar="SERVICE", help="registry or recording.")]
Projection = Annotated[str, typer.Argument(metavar="PROJECTION", help="As `parked list` names it.")]
Key = Annotated[str, typer.Argument(metavar="KEY", help="As `parked list` names it.")]


def rebuild(
    service: Service,
    buckets_only: Annotated[bool, typer.Option("--buckets-only", help="From the footage store alone, as if log and facts were gone.")] = False,
    as_person: AsPerson = "",
    as_json: AsJson = False,
) -> None:
    """Make a service's views anew from the log, the facts and the archives, beside the old ones, then switch."""

    async def command(session: Session) -> None:
        rebuilt: list[str] = []
        notes: list[str] = []
        applied = 0
        async with session.projections((known(service),)) as stubs:
            stub = stubs[service]
            names = [one.name for one in (await stub.ListProjections(operations.ListProjectionsRequest())).projections]
            for name in names:
                with session.output.progress(f"rebuilding {name}") as meter, passing_over_reactions():
                    async for reply in stub.RebuildProjection(operations.RebuildProjectionRequest(projection=name, buckets_only=buckets_only)):
                        meter.tell(reply.applied, reply.total or None, reply.phase)
                        if reply.done:
                            rebuilt.append(name)
                            applied += reply.applied
                            notes.extend(reply.notes)
        if as_json:
            session.output.document({"service": service, "projections": rebuilt, "applied": applied, "notes": notes})
        session.output.line(f"{service}: {', '.join(rebuilt)} rebuilt from {applied} events")
        for note in notes:
            session.output.line(f"  {note}")

    perform(as_person, as_json, command)


@contextmanager
def passing_over_reactions() -> Iterator[None]:
    """What keeps no documents has none to make anew."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        if error_of(error).reason != "NOTHING_TO_REBUILD":
            raise


def known(service: str) -> str:
    """Raises: Misspelt (SERVICE_UNKNOWN)."""
    if service not in SERVICES:
        raise Misspelt("SERVICE_UNKNOWN", f"there is no service {service!r} with views; there are: {', '.join(SERVICES)}", field="service")
    return service


@parked.command("list")
def list_parked(as_person: AsPerson = "", as_json: AsJson = False) -> None:
    """Every parked key of every service."""

    async def command(session: Session) -> None:
        found: list[tuple[str, operations.ParkedKey]] = []
        async with session.projections(SERVICES) as stubs:
            for service, stub in stubs.items():
                async for page in pages(stub.ListParkedKeys, operations.ListParkedKeysRequest()):
                    found.extend((service, key) for key in page.keys)
        if as_json:
            session.output.document({"parked": [document(service, key) for service, key in found]})
            return
        rows = [(service, key.projection, key.key, key.reason, str(key.events), shown(key.since), key.message) for service, key in found]
        session.output.table(("service", "projection", "key", "reason", "events →", "since", "message"), rows, "nothing is parked")

    perform(as_person, as_json, command)


@parked.command("show")
def show_parked(service: Service, projection: Projection, key: Key, as_person: AsPerson = "", as_json: AsJson = False) -> None:
    """The events of one parked key, the one that can't be applied first."""

    async def command(session: Session) -> None:
        async with session.projections((known(service),)) as stubs:
            found = await stubs[service].GetParkedKey(operations.GetParkedKeyRequest(projection=projection, key=key))
        waiting = [{"stream": one.stream, "sequence": one.sequence, "subject": one.subject, "type": one.type, "id": one.event} for one in found.waiting]
        if as_json:
            session.output.document({"parked": {**document(service, found), "waiting": waiting}})
            return
        session.output.line(f"{found.reason}: {found.message}")
        session.output.table(("stream", "sequence →", "subject", "type"), [tuple(str(part) for part in list(one.values())[:4]) for one in waiting], "no events")

    perform(as_person, as_json, command)


@parked.command("replay")
def replay_parked(service: Service, projection: Projection, key: Key, as_person: AsPerson = "", as_json: AsJson = False) -> None:
    """Apply the events of a parked key in their order, now that what stood in the way is mended. Exit code 1 where it still stands."""

    async def command(session: Session) -> None:
        async with session.projections((known(service),)) as stubs:
            reply = await stubs[service].ReplayParkedKey(operations.ReplayParkedKeyRequest(projection=projection, key=key))
        if as_json:
            session.output.document({"applied": reply.applied, "waiting": reply.waiting, "reason": reply.reason})
        session.output.line(f"{reply.applied} applied, {reply.waiting} still wait" + (f" ({reply.reason})" if reply.reason else ""))
        if reply.waiting:
            raise typer.Exit(FAILED)

    perform(as_person, as_json, command)


def document(service: str, key: operations.ParkedKey) -> dict[str, object]:
    return {
        "service": service,
        "projection": key.projection,
        "key": key.key,
        "reason": key.reason,
        "message": key.message,
        "events": key.events,
        "since": rfc3339(key.since),
    }


def token(
    ttl: Annotated[float, typer.Option(help="How long it is valid, in seconds.")] = 3600.0,
    as_person: AsPerson = "",
    as_json: AsJson = False,
) -> None:
    """A token for other gRPC clients, in the metadata `authorization: Bearer …`."""

    async def command(session: Session) -> None:
        made = session.token(ttl_s=ttl)
        if as_json:
            session.output.document({"token": made, "person": session.person or LOCAL, "valid_s": ttl})
        session.output.line(made)

    perform(as_person, as_json, command)
