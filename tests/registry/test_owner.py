from __future__ import annotations

import pytest

from services.registry.owner import MOST_ADMINISTRATORS, Owner, bind_administrator, evolve, register, rename, unbind_administrator
from vonglau.access import Permit
from vonglau.errors import AlreadyExists, Denied, NotFound, Refused
from vonglau.registry.v1.events_pb2 import AdministratorBound, AdministratorUnbound, OwnerRegistered, OwnerRenamed
from vonglau.registry.v1.service_pb2 import BindAdministratorRequest, RegisterOwnerRequest, RenameOwnerRequest, UnbindAdministratorRequest

WARD = Owner("Phường Hoàn Kiếm", frozenset({"lan"}))


def test_an_owner_is_registered_with_its_administrators(permit: Permit) -> None:
    request = RegisterOwnerRequest(owner="ward-hoan-kiem", display_name="Phường Hoàn Kiếm", administrators=["minh", "lan", "lan"])
    (event,) = register(None, request, permit)
    assert event == OwnerRegistered(owner="ward-hoan-kiem", display_name="Phường Hoàn Kiếm", administrators=["lan", "minh"])


def test_an_owner_has_a_bounded_number_of_administrators(permit: Permit) -> None:
    many = [f"p{number}" for number in range(MOST_ADMINISTRATORS + 1)]
    full = Owner("Phường Hoàn Kiếm", frozenset(many[1:]))
    for decision in (
        register(None, RegisterOwnerRequest(owner="ward-hoan-kiem", display_name="x", administrators=many), permit),
        bind_administrator(full, BindAdministratorRequest(owner="ward-hoan-kiem", person=many[0]), permit),
    ):
        with pytest.raises(Refused):
            list(decision)
    assert list(register(None, RegisterOwnerRequest(owner="ward-hoan-kiem", display_name="x", administrators=many[1:]), permit))


def test_an_owner_id_is_registered_once(permit: Permit) -> None:
    with pytest.raises(AlreadyExists) as refusal:
        list(register(WARD, RegisterOwnerRequest(owner="ward-hoan-kiem", display_name="another"), permit))
    assert refusal.value.reason == "OWNER_ID_TAKEN"


def test_a_new_name_takes_the_place_of_the_old_one(permit: Permit) -> None:
    (event,) = rename(WARD, RenameOwnerRequest(owner="ward-hoan-kiem", display_name="Phường Cửa Nam"), permit)
    assert event == OwnerRenamed(owner="ward-hoan-kiem", display_name="Phường Cửa Nam")
    assert evolve(WARD, event).display_name == "Phường Cửa Nam"


def test_renaming_to_the_present_name_is_no_event(permit: Permit) -> None:
    assert list(rename(WARD, RenameOwnerRequest(owner="ward-hoan-kiem", display_name="Phường Hoàn Kiếm"), permit)) == []


def test_a_bound_person_administers_the_owner_until_unbound(permit: Permit) -> None:
    (bound,) = bind_administrator(WARD, BindAdministratorRequest(owner="ward-hoan-kiem", person="minh"), permit)
    assert bound == AdministratorBound(owner="ward-hoan-kiem", person="minh")
    both = evolve(WARD, bound)
    assert both.administrators == {"lan", "minh"}
    (unbound,) = unbind_administrator(both, UnbindAdministratorRequest(owner="ward-hoan-kiem", person="lan"), permit)
    assert unbound == AdministratorUnbound(owner="ward-hoan-kiem", person="lan")
    assert evolve(both, unbound).administrators == {"minh"}


def test_binding_twice_and_unbinding_a_stranger_are_no_events(permit: Permit) -> None:
    assert list(bind_administrator(WARD, BindAdministratorRequest(owner="ward-hoan-kiem", person="lan"), permit)) == []
    assert list(unbind_administrator(WARD, UnbindAdministratorRequest(owner="ward-hoan-kiem", person="stranger"), permit)) == []


def test_an_owner_that_is_not_there_cannot_be_renamed_or_administered(permit: Permit) -> None:
    for decision in (
        rename(None, RenameOwnerRequest(owner="ward-hoan-kiem", display_name="x"), permit),
        bind_administrator(None, BindAdministratorRequest(owner="ward-hoan-kiem", person="lan"), permit),
        unbind_administrator(None, UnbindAdministratorRequest(owner="ward-hoan-kiem", person="lan"), permit),
    ):
        with pytest.raises(NotFound):
            list(decision)


def test_a_permit_for_other_owners_changes_nothing_here(permit: Permit) -> None:
    with pytest.raises(Denied):
        list(rename(WARD, RenameOwnerRequest(owner="police", display_name="x"), permit))
