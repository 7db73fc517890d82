"""The local copy against a real server: written by one, followed by all, never going back, knowing when it is old."""
from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vonglau.access import Access, AccessState, CameraEntry, OwnerEntry, camera_key, owner_key, publish
from vonglau.access.state import decode
from vonglau.broker import Broker, KeyValue, NatsServer
from vonglau.broker.topology import ACCESS_STATE
from vonglau.errors import Denied
from vonglau.eventlog import Call
from vonglau.testing.waiting import eventually

pytestmark = pytest.mark.loopback


@pytest.fixture
def bucket(broker: Broker) -> KeyValue:
    return KeyValue(broker, ACCESS_STATE)


def owner(version: int, *administrators: str) -> OwnerEntry:
    return OwnerEntry(frozenset(administrators), version)


async def test_what_was_written_before_is_there_when_the_copy_opens(bucket: KeyValue) -> None:
    await publish(bucket, owner_key("police"), owner(1, "lan"))
    await publish(bucket, camera_key("cam-1"), CameraEntry("police", "traffic", 2))
    async with AccessState(bucket) as state:
        assert state.administered_by("lan") == frozenset({"police"})
        assert state.camera("cam-1") == CameraEntry("police", "traffic", 2)


async def test_an_empty_bucket_is_a_copy_in_which_nobody_has_rights(bucket: KeyValue) -> None:
    async with AccessState(bucket) as state:
        assert state.administered_by("lan") == frozenset()
        assert state.camera("cam-1") is None
        await eventually(lambda: state.age < 60)


async def test_a_change_of_rights_reaches_the_gate(bucket: KeyValue) -> None:
    by = Call(actor="person:lan")
    await publish(bucket, owner_key("police"), owner(1, "lan"))
    async with AccessState(bucket) as state:
        access = Access(state, settle_s=0)
        await access.require(by, "camera.read", owner="police")
        await publish(bucket, owner_key("police"), owner(2, "minh"))
        await eventually(lambda: access.scope(by, "camera.read").is_empty)
        with pytest.raises(Denied):
            await access.require(by, "camera.read", owner="police")


async def test_a_refusal_waits_for_the_camera_that_was_registered_a_moment_ago(bucket: KeyValue) -> None:
    await publish(bucket, owner_key("police"), owner(1, "lan"))
    async with AccessState(bucket) as state:
        asked = asyncio.create_task(Access(state, settle_s=10).require(Call(actor="person:lan"), "camera.read", camera="cam-new"))
        await asyncio.sleep(0)
        await publish(bucket, camera_key("cam-new"), CameraEntry("police", "traffic", 2))
        assert (await asyncio.wait_for(asked, 5)).owners == frozenset({"police"})


async def test_a_deleted_key_takes_its_rights_away(bucket: KeyValue) -> None:
    await publish(bucket, owner_key("police"), owner(1, "lan"))
    await publish(bucket, camera_key("cam-1"), CameraEntry("police", "traffic", 2))
    async with AccessState(bucket) as state:
        await bucket.delete(owner_key("police"))
        await bucket.delete(camera_key("cam-1"))
        await eventually(lambda: not state.administered_by("lan") and state.camera("cam-1") is None)


DAMAGED = [b"{", b"[]", b"{}", *(b'{"administrators": %s, "version": 3}' % ids for ids in (b"5", b'"lan"', b"[5]"))]


@pytest.mark.parametrize("damage", DAMAGED)
async def test_a_value_that_cannot_be_read_takes_its_rights_away_and_the_rest_stays(bucket: KeyValue, damage: bytes) -> None:
    await publish(bucket, owner_key("police"), owner(1, "lan"))
    await publish(bucket, owner_key("ward-7"), owner(2, "lan"))
    async with AccessState(bucket) as state:
        await bucket.put(owner_key("police"), damage)
        await eventually(lambda: state.administered_by("lan") == frozenset({"ward-7"}))
        assert state.administered_by("l") == frozenset()  # a text is no list of persons with one letter
        assert await publish(bucket, owner_key("police"), owner(3, "lan"))
        await eventually(lambda: state.administered_by("lan") == frozenset({"ward-7", "police"}))


async def test_an_older_version_is_never_written_over_a_newer_one(bucket: KeyValue) -> None:
    assert await publish(bucket, owner_key("police"), owner(7, "lan"))
    assert not await publish(bucket, owner_key("police"), owner(6, "minh"))
    assert not await publish(bucket, owner_key("police"), owner(7, "minh"))
    entry = await bucket.get(owner_key("police"))
    assert entry is not None
    assert decode(entry.key, entry.value or b"") == owner(7, "lan")


async def test_of_writers_that_race_the_newest_version_stays(bucket: KeyValue) -> None:
    await asyncio.gather(*(publish(bucket, camera_key("cam-1"), CameraEntry(f"owner-{version}", "", version)) for version in (3, 8, 1, 6, 2, 7)))
    entry = await bucket.get(camera_key("cam-1"))
    assert entry is not None
    assert decode(entry.key, entry.value or b"") == CameraEntry("owner-8", "", 8)


async def test_the_copy_ages_while_the_server_is_away_and_is_fresh_again_when_it_is_back(nats_server: NatsServer, bucket: KeyValue) -> None:
    await publish(bucket, owner_key("police"), owner(1, "lan"))
    async with AccessState(bucket, beat_s=0.02) as state:
        await eventually(lambda: state.age < 0.5)
        await nats_server.kill()
        await eventually(lambda: state.age > 0.6)
        assert state.administered_by("lan") == frozenset({"police"})
        await nats_server.start()
        await eventually(lambda: state.age < 0.5)


async def test_what_changed_while_this_copy_was_cut_off_arrives(nats_server: NatsServer, broker: Broker, bucket: KeyValue) -> None:
    async with AccessState(bucket, beat_s=0.02) as state:
        await nats_server.kill()
        await nats_server.start()
        await eventually(lambda: broker.connections > 1)
        await publish(bucket, owner_key("police"), owner(5, "minh"))
        await eventually(lambda: state.administered_by("minh") == frozenset({"police"}))
        await eventually(lambda: state.age < 0.5)


async def test_waiting_for_the_first_copy_can_be_given_up(nats_server: NatsServer, bucket: KeyValue) -> None:
    await nats_server.kill()
    loading = asyncio.create_task(AccessState(bucket).__aenter__())
    await eventually(lambda: named("access state"))
    loading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loading
    assert named("access state") == []


def named(prefix: str) -> list[asyncio.Task[Any]]:
    return [task for task in asyncio.all_tasks() if task.get_name().startswith(prefix)]
