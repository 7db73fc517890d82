"""An owner: an agency that has authority over cameras and their footage, and the persons who administer it."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from vonglau.access import Permit
from vonglau.errors import AlreadyExists, NotFound, Refused
from vonglau.eventlog import AggregateStream, Fold, aggregate_stream
from vonglau.registry.v1.events_pb2 import AdministratorBound, AdministratorUnbound, OwnerRegistered, OwnerRenamed
from vonglau.registry.v1.service_pb2 import BindAdministratorRequest, RegisterOwnerRequest, RenameOwnerRequest, UnbindAdministratorRequest

Event = OwnerRegistered | OwnerRenamed | AdministratorBound | AdministratorUnbound


@dataclass(frozen=True, slots=True)
class Owner:
    display_name: str
    administrators: frozenset[str] = frozenset()


def evolve(owner: Owner | None, event: Event) -> Owner:
    match event:
        case OwnerRegistered():
            return Owner(event.display_name, frozenset(event.administrators))
        case OwnerRenamed():
            return replace(existing(owner), display_name=event.display_name)
        case AdministratorBound():
            return replace(existing(owner), administrators=existing(owner).administrators | {event.person})
        case AdministratorUnbound():
            return replace(existing(owner), administrators=existing(owner).administrators - {event.person})


OWNER = Fold(evolve)
MOST_ADMINISTRATORS = 500  # each owner's fit into one event and one value of the bucket `access_state`


def owner_stream(owner: str) -> AggregateStream:
    """Raises: Invalid (ID_MALFORMED)."""
    return aggregate_stream("registry", "owner", owner)


def existing(owner: Owner | None) -> Owner:
    assert owner is not None  # noqa: S101 - every history begins with OwnerRegistered
    return owner


def register(owner: Owner | None, request: RegisterOwnerRequest, permit: Permit) -> Iterable[Event]:
    permit.must_cover(request.owner)
    if owner is not None:
        raise AlreadyExists("OWNER_ID_TAKEN", f"there is an owner {request.owner!r} already", owner=request.owner)
    administrators = sorted(set(request.administrators))
    must_be_few(len(administrators))
    yield OwnerRegistered(owner=request.owner, display_name=request.display_name, administrators=administrators)


def rename(owner: Owner | None, request: RenameOwnerRequest, permit: Permit) -> Iterable[Event]:
    if owner is None:
        raise NotFound("owner", request.owner)
    permit.must_cover(request.owner)
    if owner.display_name == request.display_name:
        return  # already so: no event, the same version
    yield OwnerRenamed(owner=request.owner, display_name=request.display_name)


def bind_administrator(owner: Owner | None, request: BindAdministratorRequest, permit: Permit) -> Iterable[Event]:
    if owner is None:
        raise NotFound("owner", request.owner)
    permit.must_cover(request.owner)
    if request.person in owner.administrators:
        return
    must_be_few(len(owner.administrators) + 1)
    yield AdministratorBound(owner=request.owner, person=request.person)


def unbind_administrator(owner: Owner | None, request: UnbindAdministratorRequest, permit: Permit) -> Iterable[Event]:
    if owner is None:
        raise NotFound("owner", request.owner)
    permit.must_cover(request.owner)
    if request.person not in owner.administrators:
        return
    yield AdministratorUnbound(owner=request.owner, person=request.person)


def must_be_few(administrators: int) -> None:
    """Raises: Refused (TOO_MANY_ADMINISTRATORS)."""
    if administrators > MOST_ADMINISTRATORS:
        raise Refused("TOO_MANY_ADMINISTRATORS", f"an owner has at most {MOST_ADMINISTRATORS} administrators")
