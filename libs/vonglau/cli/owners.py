"""vonglau owner: the agencies whose cameras these are."""
from __future__ import annotations

from typing import Annotated

import typer

from vonglau.cli.options import AsJson, AsPerson, perform
from vonglau.cli.pages import all_owners
from vonglau.cli.session import LOCAL, PLATFORM, Session
from vonglau.registry.v1 import service_pb2 as registry

app = typer.Typer(no_args_is_help=True, help="Owners of cameras and footage.")


@app.command("add")
def add(
    owner: Annotated[str, typer.Argument(help="Id: 3 to 40 of a-z, 0-9 and '-'.")],
    name: Annotated[str, typer.Option(help="As people call it (default: the id).")] = "",
    admin: Annotated[list[str] | None, typer.Option(metavar="PERSON", help="Who administers it (default: local). Repeatable.")] = None,
    as_person: AsPerson = "",
    as_json: AsJson = False,
) -> None:
    """Register an owner. Spoken as the platform identity, which sees no footage."""

    async def command(session: Session) -> None:
        request = registry.RegisterOwnerRequest(owner=owner, display_name=name or owner, administrators=admin or [LOCAL])
        async with session.registry(PLATFORM) as stub:
            reply = await stub.RegisterOwner(request)
        if as_json:
            session.output.document({"owner": {"id": reply.owner, "name": name or owner, "version": reply.version}})
        session.output.line(f"owner {reply.owner} is registered")

    perform(as_person, as_json, command)


@app.command("list")
def list_owners(as_person: AsPerson = "", as_json: AsJson = False) -> None:
    """The owners that you may see."""

    async def command(session: Session) -> None:
        async with session.registry() as stub:
            owners = await all_owners(stub)
        if as_json:
            session.output.document({"owners": [described(owner) for owner in owners]})
            return
        rows = [(owner.owner, owner.display_name, ", ".join(owner.administrators)) for owner in owners]
        session.output.table(("owner", "name", "administrators"), rows, "no owners yet: `vonglau owner add ID --name NAME`")

    perform(as_person, as_json, command)


def described(owner: registry.Owner) -> dict[str, object]:
    return {"id": owner.owner, "name": owner.display_name, "administrators": list(owner.administrators), "version": owner.version}
