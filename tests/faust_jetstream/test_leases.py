import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
from nats.js import JetStreamContext, api
from nats.js.errors import NoStreamResponseError, NotFoundError

from faust_jetstream.errors import CannotConnect
from faust_jetstream.leases import Leases
from faust_jetstream.settings import Access, Settings
from faust_jetstream.testkit import until

pytestmark = pytest.mark.loopback


@pytest.fixture
async def root(js: JetStreamContext, name: str) -> str:
    await js.add_stream(
        api.StreamConfig(name=name, subjects=[f"{name}.>"], max_msgs_per_subject=1, allow_msg_ttl=True, subject_delete_marker_ttl=60, allow_direct=True)
    )
    return name


Join = Callable[[str], Any]


@pytest.fixture
async def join(settings: Settings, root: str) -> AsyncIterator[Join]:
    made: list[Leases] = []

    async def start(member: str) -> Leases:
        made.append(Leases(settings, root, member))
        await made[-1].start()
        return made[-1]

    yield start
    for one in made:
        await one.stop()


async def doc_of(js: JetStreamContext, root: str, name: str) -> Any:
    try:
        body = (await js.get_last_msg(root, f"{root}.{name}")).data
    except NotFoundError:
        return None
    return json.loads(body) if body else None


async def test_a_member_is_renewed_without_being_put_again(join: Join, js: JetStreamContext, root: str) -> None:
    await (await join("a")).put_member({"n": 1})
    first = int((await js.get_last_msg(root, f"{root}.m.a")).seq or 0)

    async def renewed() -> bool:
        return int((await js.get_last_msg(root, f"{root}.m.a")).seq or 0) > first

    await until(renewed, 10, 0.02)


async def test_a_member_that_cannot_be_put_without_a_leader_is_put_by_a_renewal(join: Join, js: JetStreamContext, root: str) -> None:
    leases = await join("a")
    assert leases._js is not None
    publish, refused = leases._js.publish, list[str]()

    async def leaderless(subject: str, *args: Any, **kwargs: Any) -> Any:
        if len(refused) < 2:
            refused.append(subject)
            raise NoStreamResponseError
        return await publish(subject, *args, **kwargs)

    leases._js.publish = leaderless
    await leases.put_member({"n": 1})

    async def there() -> bool:
        return bool(await doc_of(js, root, "m.a") == {"n": 1})

    await until(there, 10, 0.02)
    assert len(refused) == 2


@pytest.mark.long
async def test_a_member_stays_for_as_long_as_its_loop_turns(join: Join, js: JetStreamContext, root: str) -> None:
    leases = await join("a")
    await leases.put_member({"n": 1})
    begun = time.monotonic()

    async def beyond() -> bool:
        leases.turned()
        return time.monotonic() - begun > 3.0          # the server's part of the lease is 2 s

    await until(beyond, 10)
    assert await doc_of(js, root, "m.a") == {"n": 1}


async def test_a_loop_that_has_not_turned_for_a_lease_renews_no_more(join: Join, settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    leases = await join("a")
    await leases.put_member({"n": 1})
    leases._turned -= settings.lease
    await until(lambda: "has not turned" in caplog.text, 10, 0.01)


@pytest.mark.long
async def test_a_busy_loop_keeps_its_lease_and_a_hung_one_loses_it(join: Join, js: JetStreamContext, root: str, caplog: pytest.LogCaptureFixture) -> None:
    leases = await join("a")
    await leases.put_member({"n": 1})
    time.sleep(2.6)  # noqa: ASYNC251  an agent that blocks the loop is what this is about
    assert await doc_of(js, root, "m.a") == {"n": 1}
    leases.turned()
    time.sleep(3.2)  # noqa: ASYNC251

    async def gone() -> bool:
        return await doc_of(js, root, "m.a") is None

    await until(gone, 10)
    assert "has not turned" in caplog.text
    leases.turned()

    async def back() -> bool:
        leases.turned()
        return bool(await doc_of(js, root, "m.a") == {"n": 1})

    await until(back, 10)


async def test_one_of_several_leads_and_the_next_one_follows_its_end(join: Join, js: JetStreamContext, root: str) -> None:
    first, second = await join("a"), await join("b")
    assert [await first.try_lead(0), await second.try_lead(0)] == [True, False]
    await first.stop()
    last = int((await js.get_last_msg(root, f"{root}.leader")).seq or 0)
    assert await second.try_lead(last)


async def test_leadership_can_be_taken_over_an_expiry_marker(js: JetStreamContext, join: Join, root: str) -> None:
    """``kv.create`` of nats-py 2.16 does not see that the marker frees the key."""
    await js.publish(f"{root}.leader", b'{"id": "dead"}', headers={"Nats-TTL": "1s"})

    async def expired() -> bool:
        found = await js.get_last_msg(root, f"{root}.leader")
        return "Nats-Marker-Reason" in (found.headers or {})

    await until(expired, 10)
    marker = int((await js.get_last_msg(root, f"{root}.leader")).seq or 0)
    assert await (await join("a")).try_lead(marker)


async def test_a_leader_that_was_overtaken_learns_it_at_its_next_renewal(join: Join, js: JetStreamContext, root: str) -> None:
    leases = await join("a")
    await leases.try_lead(0)
    await js.publish(f"{root}.leader", b'{"id": "other"}')
    await until(lambda: leases.leader_sequence is None, 10)


async def test_who_leaves_need_not_be_waited_for(join: Join, js: JetStreamContext, root: str) -> None:
    leases = await join("a")
    await leases.put_member({"n": 1})
    await leases.stop()
    assert await doc_of(js, root, "m.a") is None


async def test_leases_that_cannot_connect_say_so_in_the_apps_loop(settings: Settings, name: str) -> None:
    unreachable = replace(settings, access=Access(("nats://127.0.0.1:1",), connect_timeout=0.3))
    with pytest.raises(CannotConnect):
        await Leases(unreachable, name, "a").start()
