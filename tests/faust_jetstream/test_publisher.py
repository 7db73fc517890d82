import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from nats.js import JetStreamContext, api

from faust_jetstream import publisher as module
from faust_jetstream.connection import Connection
from faust_jetstream.errors import MessageTooLarge, NotStored
from faust_jetstream.publisher import Publisher
from faust_jetstream.settings import Settings
from faust_jetstream.testkit import until

pytestmark = pytest.mark.loopback


@pytest.fixture
async def publisher(connection: Connection, settings: Settings) -> AsyncIterator[Publisher]:
    made = Publisher(connection, settings)
    await made.start()
    yield made
    await made.stop()


async def stream(js: JetStreamContext, name: str, **config: Any) -> None:
    await js.add_stream(api.StreamConfig(name=name, subjects=[f"{name}.>"], **config))


async def test_flush_returns_when_everything_before_it_is_stored(publisher: Publisher, js: JetStreamContext, name: str) -> None:
    await stream(js, name)
    futures = [await publisher.publish(f"{name}.a", b"x", {}) for _ in range(500)]
    await publisher.flush()
    assert sorted(future.result() for future in futures) == list(range(1, 501))


async def test_flush_raises_when_the_server_refused_something(publisher: Publisher, js: JetStreamContext, name: str) -> None:
    """Offsets are committed after it: stock Faust's flush gives up silently after 0.1 s and commits."""
    await stream(js, name, max_msg_size=200)
    await publisher.publish(f"{name}.a", b"x" * 300, {})
    with pytest.raises(NotStored, match="size exceeds"):
        await publisher.flush()
    await publisher.flush()


async def test_what_is_not_confirmed_is_sent_again_and_stored_once(
    publisher: Publisher, js: JetStreamContext, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REPEAT_AFTER", 0.05)
    monkeypatch.setattr(module, "TICK", 0.01)
    await stream(js, name)
    lost: list[Any] = []
    answer = publisher._on_answer

    async def lossy(msg: Any) -> None:
        if len(lost) < 1:
            lost.append(msg)
            return
        await answer(msg)

    publisher._sub._cb = lossy
    await publisher.publish(f"{name}.a", b"x", {})
    await publisher.flush()
    assert (publisher.repeated >= 1, (await js.stream_info(name)).state.messages) == (True, 1)


async def test_a_subject_without_a_stream_is_tried_until_one_appears(
    publisher: Publisher, js: JetStreamContext, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TICK", 0.01)
    future = await publisher.publish(f"{name}.a", b"x", {})
    await asyncio.sleep(0.05)
    await stream(js, name)
    assert await asyncio.wait_for(future, 10) == 1


@pytest.mark.parametrize("refusal", [{"code": 409, "err_code": 10158}, {"code": 503, "err_code": 10023}])
async def test_a_refusal_that_passes_is_no_failure(
    publisher: Publisher, js: JetStreamContext, name: str, monkeypatch: pytest.MonkeyPatch, refusal: dict[str, int]
) -> None:
    monkeypatch.setattr(module, "REPEAT_AFTER", 1.05)
    monkeypatch.setattr(module, "TICK", 0.01)
    await stream(js, name)
    answer, refused = publisher._on_answer, list[Any]()

    async def refusing(msg: Any) -> None:
        if not refused:
            refused.append(msg)
            msg.data = json.dumps({"error": refusal}).encode()
        await answer(msg)

    publisher._sub._cb = refusing
    await publisher.publish(f"{name}.a", b"x", {})
    await publisher.flush()
    assert (publisher.repeated, (await js.stream_info(name)).state.messages) == (1, 1)


async def test_a_message_that_the_server_would_refuse_for_its_size_says_what_to_do(publisher: Publisher) -> None:
    with pytest.raises(MessageTooLarge, match="raise max_payload"):
        await publisher.publish("any", b"x" * 1_048_576, {})


async def test_a_repetition_by_another_process_is_recognised_by_its_id(publisher: Publisher, js: JetStreamContext, name: str) -> None:
    await stream(js, name)
    for _ in range(2):
        await publisher.publish(f"{name}.a", b"x", {}, "app:orders:0:7")
    await publisher.flush()
    assert (await js.stream_info(name)).state.messages == 1


async def test_a_full_pipeline_holds_the_sender_back(connection: Connection, js: JetStreamContext, name: str, settings: Settings) -> None:
    await stream(js, name)
    narrow = Publisher(connection, Settings(settings.access, "app", max_inflight=4))
    await narrow.start()
    highest = 0
    for _ in range(50):
        await narrow.publish(f"{name}.a", b"x", {})
        highest = max(highest, len(narrow._pending))
    await narrow.flush()
    await narrow.stop()
    assert highest <= 4


async def test_what_is_unconfirmed_at_the_end_fails_loudly(connection: Connection, settings: Settings, name: str) -> None:
    ending = Publisher(connection, settings)
    await ending.start()
    future = await ending.publish(f"{name}.nobody", b"x", {})
    await ending.stop()
    await until(future.done, 1)
    with pytest.raises(NotStored, match="worker stopped"):
        future.result()
