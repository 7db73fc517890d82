"""What the gate lets through and in which words it refuses."""
from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vonglau.access import Access, Permit
from vonglau.access.rules import ACTIONS, SERVICES, Holder
from vonglau.errors import Denied, Invalid, Unavailable, VonglauError
from vonglau.eventlog import Call
from vonglau.identity import Caller
from vonglau.testing.access import StatedRights

LAN, MINH, ADMIN = "person:lan", "person:minh", "person:root"
READ_SPOOL = "/vonglau.ingest.v1.Ingest/ReadSpool"
PURPOSE = 1
BY_OWNER = sorted(action for action, rule in ACTIONS.items() if rule.holder is Holder.ADMINISTRATOR)
BY_PLATFORM = sorted(action for action, rule in ACTIONS.items() if rule.holder is Holder.PLATFORM)


def call(actor: str, method: str = "") -> Call:
    return Call(actor=actor, method=method)


@pytest.fixture
def rights() -> StatedRights:
    return StatedRights({"police": ["lan"], "ward-7": ["lan", "minh"]}, {"cam-p": "police", "cam-w": "ward-7"})


@pytest.fixture
def access(rights: StatedRights) -> Access:
    return Access(rights, ["root"], settle_s=0)


async def refusal(access: Access, by: Call, action: str, *, owner: str = "", camera: str = "", purpose: int = PURPOSE) -> VonglauError:
    with pytest.raises((Denied, Unavailable)) as refused:
        await access.require(by, action, owner=owner, camera=camera, purpose=purpose)
    return refused.value


@pytest.mark.parametrize("action", BY_OWNER)
async def test_an_administrator_may_act_on_what_the_owner_has(access: Access, action: str) -> None:
    assert (await access.require(call(LAN), action, owner="police", purpose=PURPOSE)).owners == frozenset({"police"})
    assert (await access.require(call(LAN), action, camera="cam-w", purpose=PURPOSE)).owners == frozenset({"ward-7"})
    assert (await access.require(call(LAN), action, purpose=PURPOSE)).owners == frozenset({"police", "ward-7"})


@pytest.mark.parametrize("action", BY_OWNER)
async def test_an_administrator_of_one_owner_has_no_right_to_another(access: Access, action: str) -> None:
    assert (await refusal(access, call(MINH), action, owner="police")).reason == "OWNER_NOT_VISIBLE"
    assert (await refusal(access, call(MINH), action, camera="cam-p")).reason == "CAMERA_NOT_VISIBLE"


@pytest.mark.parametrize("action", BY_OWNER)
async def test_a_platform_administrator_sees_no_camera_and_no_footage(access: Access, action: str) -> None:
    assert (await refusal(access, call(ADMIN), action, owner="police")).reason == "OWNER_NOT_VISIBLE"
    assert (await refusal(access, call(ADMIN), action, camera="cam-p")).reason == "CAMERA_NOT_VISIBLE"
    assert (await refusal(access, call(ADMIN), action)).reason == "ROLE_NOT_PERMITTED"
    assert access.scope(call(ADMIN), action).is_empty


@pytest.mark.parametrize("action", BY_PLATFORM)
async def test_only_a_platform_administrator_runs_the_platform(access: Access, action: str) -> None:
    assert (await access.require(call(ADMIN), action, owner="new-owner")).owners is not None
    assert (await access.require(call(ADMIN), action)).owners is None
    assert (await refusal(access, call(LAN), action, owner="police")).reason == "ROLE_NOT_PERMITTED"
    assert (await refusal(access, call(LAN), action)).reason == "ROLE_NOT_PERMITTED"


async def test_owners_are_read_by_their_administrators_and_all_of_them_by_the_platform(access: Access) -> None:
    assert access.scope(call(MINH), "owner.read").owners == frozenset({"ward-7"})
    assert access.scope(call(ADMIN), "owner.read").owners is None
    assert (await refusal(access, call(MINH), "owner.read", owner="police")).reason == "OWNER_NOT_VISIBLE"


@pytest.mark.parametrize("action", BY_OWNER)
async def test_a_foreign_camera_and_one_that_does_not_exist_answer_alike(access: Access, action: str) -> None:
    foreign = await refusal(access, call(MINH), action, camera="cam-p")
    unknown = await refusal(access, call(MINH), action, camera="cam-x")
    assert (type(foreign), foreign.reason, foreign.message.replace("cam-p", "cam-x"), set(foreign.metadata)) == (
        type(unknown), unknown.reason, unknown.message, set(unknown.metadata),
    )


async def test_a_foreign_owner_and_one_that_does_not_exist_answer_alike(access: Access) -> None:
    foreign = await refusal(access, call(MINH), "camera.register", owner="police")
    unknown = await refusal(access, call(MINH), "camera.register", owner="nobody")
    assert (foreign.reason, foreign.message.replace("police", "nobody")) == (unknown.reason, unknown.message)


async def test_a_camera_asked_for_under_the_wrong_owner_is_not_visible(access: Access) -> None:
    assert (await refusal(access, call(LAN), "camera.read", camera="cam-p", owner="ward-7")).reason == "CAMERA_NOT_VISIBLE"


async def test_somebody_without_any_binding_may_do_nothing(access: Access) -> None:
    for action in ACTIONS:
        assert (await refusal(access, call("person:stranger"), action)).reason == "ROLE_NOT_PERMITTED"


@pytest.mark.parametrize("action", ["footage.view_live_raw", "footage.play_raw"])
async def test_footage_is_used_for_a_stated_purpose(access: Access, action: str) -> None:
    for purpose in (0, -1, 99):
        assert (await refusal(access, call(LAN), action, camera="cam-p", purpose=purpose)).reason == "PURPOSE_MISMATCH"


async def test_a_missing_purpose_does_not_tell_a_stranger_that_the_camera_exists(access: Access) -> None:
    assert (await refusal(access, call(MINH), "footage.play_raw", camera="cam-p", purpose=0)).reason == "CAMERA_NOT_VISIBLE"


async def test_the_permit_carries_who_asked_for_what(access: Access) -> None:
    by = call(LAN)
    permit = await access.require(by, "footage.play_raw", camera="cam-p", purpose=PURPOSE, case="case-12")
    assert permit == Permit(Caller("person", "lan"), "footage.play_raw", frozenset({"police"}), by, "cam-p", PURPOSE, "case-12")


async def test_an_action_that_nobody_declared_is_nobodys(access: Access) -> None:
    with pytest.raises(KeyError):
        await access.require(call(LAN), "footage.delete_manual", owner="police")


async def test_a_caller_outside_the_grammar_is_refused(access: Access) -> None:
    with pytest.raises(Invalid):
        await access.require(call("lan"), "camera.read", owner="police")


async def test_a_service_may_call_what_its_row_names_for_every_owner(access: Access) -> None:
    permit = await access.require(call("service:recording", READ_SPOOL), "footage.view_live_raw", camera="cam-unknown")
    assert permit.owners is None
    permit.must_cover("police")


@pytest.mark.parametrize(
    ("actor", "method"),
    [("service:ingest", "/vonglau.ingest.v1.Ingest/PutPool"), ("service:recording", "/vonglau.registry.v1.Registry/RetireCamera"), ("service:x", READ_SPOOL)],
)
async def test_a_service_may_call_nothing_else(access: Access, actor: str, method: str) -> None:
    assert (await refusal(access, call(actor, method), "footage.view_live_raw", camera="cam-p")).reason == "SERVICE_NOT_PERMITTED"
    assert access.scope(call(actor, method), "camera.read").is_empty


async def test_a_person_who_is_named_like_a_service_is_none(access: Access) -> None:
    assert (await refusal(access, call("person:recording", READ_SPOOL), "footage.view_live_raw", camera="cam-p")).reason == "CAMERA_NOT_VISIBLE"


async def test_a_service_that_is_named_like_an_administrator_is_none(access: Access) -> None:
    assert (await refusal(access, call("service:lan"), "camera.read", owner="police")).reason == "SERVICE_NOT_PERMITTED"
    assert (await refusal(access, call("service:root"), "owner.register")).reason == "SERVICE_NOT_PERMITTED"


def test_every_row_of_the_service_matrix_names_an_rpc_that_exists() -> None:
    protos = Path(__file__).parents[2] / "proto"
    declared = set()
    for file in protos.rglob("service.proto"):
        text = file.read_text()
        package = re.search(r"^package (.*);", text, re.MULTILINE)
        service = re.search(r"^service (\w+)", text, re.MULTILINE)
        assert package is not None
        assert service is not None
        declared |= {f"/{package[1]}.{service[1]}/{name}" for name in re.findall(r"^  rpc (\w+)", text, re.MULTILINE)}
    assert set().union(*SERVICES.values()) <= declared


def test_a_permit_covers_its_owners_and_no_others() -> None:
    lan = Caller.parse(LAN)
    Permit(lan, "camera.update", frozenset({"police"}), call(LAN)).must_cover("police")
    Permit(lan, "owner.register", None, call(LAN)).must_cover("police")
    with pytest.raises(Denied) as refused:
        Permit(lan, "camera.update", frozenset({"ward-7"}), call(LAN)).must_cover("police")
    assert refused.value.reason == "OWNER_NOT_VISIBLE"


async def test_a_permit_that_no_longer_fits_the_camera_refuses_as_if_it_did_not_exist(access: Access) -> None:
    permit = await access.require(call(MINH), "camera.update", camera="cam-w")
    with pytest.raises(Denied) as refused:
        permit.must_cover("police")  # it was transferred meanwhile
    unknown = await refusal(access, call(MINH), "camera.update", camera="cam-x")
    assert str(refused.value).replace("cam-w", "cam-x") == str(unknown)


async def test_a_refusal_falls_when_the_copy_catches_up(rights: StatedRights) -> None:
    access = Access(rights, settle_s=30)
    asked = asyncio.create_task(access.require(call(MINH), "camera.read", camera="cam-new"))
    await asyncio.sleep(0)
    rights.cameras["cam-other"] = "police"
    rights.tell()
    await asyncio.sleep(0)
    rights.cameras["cam-new"] = "ward-7"
    rights.tell()
    assert (await asyncio.wait_for(asked, 5)).owners == frozenset({"ward-7"})


async def test_refusals_take_the_same_time_whether_the_camera_exists_or_not(rights: StatedRights) -> None:
    access = Access(rights, settle_s=0.05)
    for camera in ("cam-p", "cam-x"):
        begun = time.monotonic()
        await refusal(access, call(MINH), "camera.read", camera=camera)
        assert time.monotonic() - begun >= 0.05


@pytest.mark.parametrize("camera", ["cam-p", "cam-x"])
async def test_a_stale_copy_confirms_no_refusal(rights: StatedRights, access: Access, camera: str) -> None:
    rights.age = 31
    refused = await refusal(access, call(MINH), "footage.play_raw", camera=camera)
    assert (type(refused), refused.reason) == (Unavailable, "ACCESS_STATE_STALE")


async def test_own_footage_stays_open_while_the_copy_is_stale(rights: StatedRights, access: Access) -> None:
    rights.age = float("inf")
    assert (await access.require(call(LAN), "footage.play_raw", camera="cam-p", purpose=PURPOSE)).owners == frozenset({"police"})


NAMES = st.sampled_from(["lan", "minh", "root", "recording"])
OWNERS = st.sampled_from(["police", "ward-7", "metro"])
ACTORS = st.builds(lambda kind, name: f"{kind}:{name}", st.sampled_from(["person", "service"]), NAMES)
METHODS = st.sampled_from(["", READ_SPOOL, "/vonglau.registry.v1.Registry/ListCameras"])


@given(st.dictionaries(OWNERS, st.sets(NAMES)), st.lists(OWNERS, max_size=4), ACTORS, METHODS, st.sampled_from(sorted(ACTIONS)))
async def test_a_scope_is_what_the_gate_permits_item_by_item(owners: dict[str, set[str]], of_cameras: list[str], actor: str, method: str, action: str) -> None:
    access = Access(StatedRights(owners, {f"cam-{n}": owner for n, owner in enumerate(of_cameras)}), ["root"], settle_s=0)
    scope = access.scope(call(actor, method), action)

    async def permits(*, owner: str = "", camera: str = "") -> bool:
        try:
            permit = await access.require(call(actor, method), action, owner=owner, camera=camera, purpose=PURPOSE)
        except Denied:
            return False
        permit.must_cover(owner or of_cameras[int(camera[4:])])
        return True

    for owner in ("police", "ward-7", "metro"):
        assert await permits(owner=owner) == scope.covers(owner)
    for n, owner in enumerate(of_cameras):
        assert await permits(camera=f"cam-{n}") == scope.covers(owner)
