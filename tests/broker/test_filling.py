"""How full streams are is measured."""
from __future__ import annotations

import pytest

from tests.conftest import Exported
from vonglau.broker import Broker
from vonglau.broker.filling import measured
from vonglau.broker.topology import ES_REGISTRY, FACT_INGEST
from vonglau.telemetry.names import LOG_FILLED
from vonglau.testing.waiting import eventually


@pytest.mark.loopback
async def test_the_share_of_its_bound_that_a_stream_holds_is_measured(broker: Broker, exported: Exported) -> None:
    await broker.js.publish("es.registry.owner.ward-1", b"x" * 900_000)
    async with measured(broker, [ES_REGISTRY, "es_nothing", FACT_INGEST]):
        await eventually(lambda: exported.value(LOG_FILLED.name, **{"vonglau.stream": FACT_INGEST}) == 0)
        assert exported.value(LOG_FILLED.name, **{"vonglau.stream": ES_REGISTRY}) == pytest.approx(0.003, rel=0.01)
        assert len(exported.points(LOG_FILLED.name)) == 2
