"""A batch that the server ends early is asked for again from where it ended."""
from __future__ import annotations

import pytest

from vonglau.broker import Broker
from vonglau.broker.topology import ES_REGISTRY
from vonglau.errors import Unavailable
from vonglau.eventlog.direct_get import DirectGet

pytestmark = pytest.mark.loopback

SUBJECTS = [f"es.registry.owner.ward-{number}" for number in range(7)]


@pytest.fixture
async def filled(broker: Broker) -> Broker:
    for round_ in range(3):
        for subject in SUBJECTS:
            await broker.js.publish(subject, bytes([round_]) * 2000)
    return broker


@pytest.mark.parametrize("most_bytes", [1, 5000, 1 << 20])
async def test_the_whole_history_comes_however_little_fits_into_a_batch(filled: Broker, most_bytes: int) -> None:
    found = await DirectGet(filled.nc, most_bytes=most_bytes).by_subject(ES_REGISTRY, SUBJECTS[2], 1)
    assert [(message.sequence, message.body[0]) for message in found] == [(3, 0), (10, 1), (17, 2)]


@pytest.mark.parametrize("most_bytes", [1, 5000, 1 << 20])
async def test_the_last_of_each_comes_however_little_fits_into_a_batch(filled: Broker, most_bytes: int) -> None:
    asked = [*SUBJECTS, "es.registry.owner.nobody"]
    found = await DirectGet(filled.nc, most_bytes=most_bytes).last_of_each(ES_REGISTRY, asked)
    assert {message.subject: message.sequence for message in found} == {subject: 15 + number for number, subject in enumerate(SUBJECTS)}


async def test_a_read_goes_on_where_it_is_told_to(filled: Broker) -> None:
    found = await DirectGet(filled.nc, most_bytes=1).by_subject(ES_REGISTRY, SUBJECTS[2], 4)
    assert [message.sequence for message in found] == [10, 17]


async def test_a_stream_that_is_not_there_is_unavailable_and_not_empty(broker: Broker) -> None:
    with pytest.raises(Unavailable):
        await DirectGet(broker.nc, timeout=1.0).by_subject("es_nothing", "es.nothing.x", 1)
