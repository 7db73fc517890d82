"""Appending, deciding and loading beside a raw JetStream publish: same body, same headers, one in flight, interleaved."""
from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure, spread
from vonglau.broker import Broker, NatsServer, connect
from vonglau.broker.topology import ensure
from vonglau.clock import SystemClock
from vonglau.eventlog import AggregateStream, Append, Call, Event, EventLog, Fold, HeaderWriter, JetStreamStore, aggregate_stream
from vonglau.registry.v1.events_pb2 import CameraChanged, CameraDetails

ROUNDS = 3
SAMPLES = 1000  # of each kind in a round
HISTORY, LONG_HISTORY = 20, 200

COUNT: Fold[int] = Fold(lambda count, _: (count or 0) + 1)
EVENT = CameraChanged(camera="cam-0", details=CameraDetails(display_name="Ngã sáu Ô Chợ Dừa " * 14))
CALL = Call("person:bench", "ChangeCamera", "00000000-0000-4000-8000-000000000000", "0" * 32)
TURN = 32  # a fresh aggregate each, so that histories keep their length


def decision(_: int | None) -> Iterable[Event]:
    yield EVENT


async def main() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        async with NatsServer(Path(folder)) as server, connect(server.url, name="bench", within=10) as broker:
            await ensure(broker)
            return await figures(broker)


async def figures(broker: Broker) -> list[Figure]:
    store, headers = JetStreamStore(broker.nc), HeaderWriter("/vonglau/bench/registry", SystemClock())
    warm, cold = EventLog(store, headers), EventLog(store, headers, cached=0)
    rounds: dict[str, list[float]] = {name: [] for name in ("raw", "append", "decide", "floor", "load")}
    for number in range(ROUNDS):
        for name, seconds in (await one_round(broker, store, headers, warm, cold, number)).items():
            rounds[name].append(seconds * 1000)
    raw = rounds["raw"]
    append, decide, floor = (ratios(raw, rounds[name]) for name in ("append", "decide", "floor"))
    load = statistics.median(rounds["load"])
    return [
        Figure("raw publish with acknowledgement", statistics.median(raw), "ms", spread(raw)),
        Figure("append to a loaded aggregate / raw publish", statistics.median(append), "×", spread(append), "≤ 1.5", statistics.median(append) <= 1.5),
        Figure("decide (load of 20 events, append) / raw publish", statistics.median(decide), "×", spread(decide), "≤ 8", statistics.median(decide) <= 8),
        Figure("  its floor: bare Direct Get of 20 events + raw publish", statistics.median(floor), "×", spread(floor)),
        Figure("load of a 200-event aggregate", load, "ms", spread(rounds["load"]), "≤ 15 ms", load <= 15),
    ]


def ratios(raw: list[float], own: list[float]) -> list[float]:
    return [mine / theirs for mine, theirs in zip(own, raw, strict=True)]


async def one_round(broker: Broker, store: JetStreamStore, headers: HeaderWriter, warm: EventLog, cold: EventLog, number: int) -> dict[str, float]:
    """Medians in seconds; the kinds take turns sample by sample."""
    samples: dict[str, list[float]] = {name: [] for name in ("raw", "append", "decide", "floor", "load")}
    long = await aggregate(store, headers, f"long-{number}", LONG_HISTORY)
    for turn in range(SAMPLES // TURN + 1):
        kept = await aggregate(store, headers, f"kept-{number}-{turn}", 1)
        await warm.load(kept, COUNT)
        for step in range(TURN):
            twenty = await aggregate(store, headers, f"twenty-{number}-{turn}-{step}", HISTORY)
            samples["raw"].append(await timed(raw_publish(broker, headers, f"{number}-{turn}-{step}")))
            samples["append"].append(await timed(append_loaded(store, headers, kept)))
            samples["decide"].append(await timed(cold.decide(twenty, COUNT, decision, call=Call("person:bench"))))
            samples["floor"].append(await timed(bare(broker, store, headers, twenty, f"{number}-{turn}-{step}")))
            if step % 8 == 0:
                samples["load"].append(await timed(cold.load(long, COUNT)))
    return {name: statistics.median(values) for name, values in samples.items()}


last: dict[AggregateStream, int] = {}


async def aggregate(store: JetStreamStore, headers: HeaderWriter, name: str, length: int) -> AggregateStream:
    stream = aggregate_stream("registry", "camera", name)
    body = EVENT.SerializeToString()
    appended = await store.append([Append(stream, 0, headers.write(EVENT, stream.subject, CALL, position), body) for position in range(1, length + 1)])
    last[stream] = appended[-1]
    return stream


async def raw_publish(broker: Broker, headers: HeaderWriter, name: str) -> None:
    subject = f"es.registry.camera.raw-{name}"
    await broker.js.publish(subject, EVENT.SerializeToString(), headers=headers.write(EVENT, subject, CALL, 1))


async def append_loaded(store: JetStreamStore, headers: HeaderWriter, stream: AggregateStream) -> None:
    """What `decide` does once the state is there: headers, one checked publish."""
    (last[stream],) = await store.append([Append(stream, last[stream], headers.write(EVENT, stream.subject, CALL, 2), EVENT.SerializeToString())])


async def bare(broker: Broker, store: JetStreamStore, headers: HeaderWriter, stream: AggregateStream, name: str) -> None:
    await store.read(stream)
    await raw_publish(broker, headers, f"floor-{name}")


async def timed(awaitable: Any) -> float:
    began = time.perf_counter()
    await awaitable
    return time.perf_counter() - began

