from __future__ import annotations

import pytest

from services.registry.details import normal_project
from services.registry.owner import Owner
from services.registry.project import Project, evolve, register
from vonglau.access import Permit
from vonglau.errors import AlreadyExists, Denied, Invalid, NotFound
from vonglau.registry.v1.events_pb2 import FUNDING_SOCIALISED, ProjectDetails
from vonglau.registry.v1.service_pb2 import RegisterProjectRequest

WARD = Owner("Phường Hoàn Kiếm")
REQUEST = RegisterProjectRequest(
    project="phase-1", owner="ward-hoan-kiem", details=ProjectDetails(display_name="Giai đoạn 1", contract_number="12/HĐ", funding=FUNDING_SOCIALISED)
)


def test_a_project_is_registered_under_its_owner(permit: Permit) -> None:
    (event,) = register(None, WARD, REQUEST, permit)
    assert evolve(None, event) == Project("ward-hoan-kiem", REQUEST.details)


def test_a_project_id_is_registered_once(permit: Permit) -> None:
    with pytest.raises(AlreadyExists):
        list(register(Project("ward-ba-dinh", ProjectDetails()), WARD, REQUEST, permit))


def test_a_project_needs_an_owner(permit: Permit) -> None:
    with pytest.raises(NotFound):
        list(register(None, None, REQUEST, permit))


def test_nobody_registers_a_project_for_an_owner_that_the_permit_does_not_cover(permit: Permit) -> None:
    with pytest.raises(Denied):
        list(register(None, WARD, RegisterProjectRequest(project="phase-1", owner="police"), permit))


def test_a_project_without_a_name_is_refused() -> None:
    with pytest.raises(Invalid) as refusal:
        normal_project(ProjectDetails(display_name=" ", contract_number="12"))
    assert refusal.value.field == "details.display_name"
