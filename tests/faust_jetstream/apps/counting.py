"""The app of the fault tests: two agents on one topic, plain and windowed tables, a repartition, two outputs; it says what its tables hold."""

import asyncio
import json
import os
import signal
import time
from datetime import timedelta
from pathlib import Path

import faust
from faust.types import TP, Message

from faust_jetstream import in_state

NAME = os.environ["APP"]
PARTITIONS = 4
SLOW = float(os.environ.get("SLOW", "0"))           # seconds per event: a worker that cannot keep up
SKEW = float(os.environ.get("SKEW", "0"))           # seconds that this worker's clock is wrong
HANG = float(os.environ.get("HANG", "0"))           # seconds for which SIGALRM keeps the event loop from turning

if SKEW:
    true_time = time.time
    time.time = lambda: true_time() + SKEW

signal.signal(signal.SIGALRM, lambda *_: time.sleep(HANG))
processed = os.open(f"processed-{os.getpid()}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

app = faust.App(
    NAME,
    broker=os.environ["BROKER"],
    processing_guarantee=os.environ["GUARANTEE"],
    topic_partitions=PARTITIONS,
    topic_replication_factor=int(os.environ.get("REPLICAS", "1")),
    store="memory://",
    table_standby_replicas=int(os.environ.get("STANDBYS", "0")),
    broker_session_timeout=4,
    broker_heartbeat_interval=0.5,
    broker_commit_interval=float(os.environ.get("COMMIT_EVERY", "0.5")),
    broker_request_timeout=60,
    broker_rebalance_timeout=30,
    datadir=f"data-{os.getpid()}",
    topic_disable_leader=True,
)


class Finished(faust.Sensor):
    """Notes when every agent was done with an event: until then no commit can cover it."""

    def on_message_out(self, tp: TP, offset: int, message: Message) -> None:
        if tp.topic == "detections" and message.value:
            os.write(processed, f"+{json.loads(message.value)['id']} {time.monotonic()}\n".encode())


app.sensors.add(Finished())


class Detection(faust.Record, serializer="json"):
    id: int
    camera: str
    owner: str


detections = app.topic("detections", key_type=str, value_type=Detection, partitions=PARTITIONS)
alerts = app.topic("alerts", key_type=str, value_type=int, partitions=PARTITIONS)
notices = app.topic("notices", key_type=str, value_type=int, partitions=PARTITIONS, config=in_state())
totals = app.Table("totals", default=int, partitions=PARTITIONS)
seen = app.Table("seen", default=int, partitions=PARTITIONS)
owners = app.Table("owners", default=int, partitions=PARTITIONS)
noticed = app.Table("noticed", default=int, partitions=PARTITIONS)
hourly = app.Table("hourly", default=int, partitions=PARTITIONS).tumbling(timedelta(hours=1), expires=timedelta(hours=2), key_index=True)
TABLES = (totals, seen, owners, noticed, hourly.table)


@app.agent(detections)
async def count(stream: faust.Stream) -> None:  # type: ignore[type-arg]
    async for event in stream:
        totals[event.camera] += 1
        hourly[event.camera] += 1
        seen[str(event.id)] += 1
        os.write(processed, f"{event.id} {time.monotonic()}\n".encode())
        if SLOW:
            await asyncio.sleep(SLOW)


@app.agent(detections)
async def by_owner(stream: faust.Stream) -> None:  # type: ignore[type-arg]
    async for event in stream.group_by(Detection.owner, name=f"{NAME}-owner", partitions=PARTITIONS):
        owners[event.owner] += 1
        if event.id % 10 == 0:
            await alerts.send(key=event.owner, value=event.id)
            if app.in_transaction:
                await notices.send(key=event.owner, value=event.id)


@app.agent(notices)
async def take_notice(stream: faust.Stream) -> None:  # type: ignore[type-arg]
    async for number in stream:
        noticed[str(number)] += 1


@app.on_partitions_revoked.connect
async def note(*_: object, **__: object) -> None:
    """Between two agents of one topic some events are done by one and not by the other: a rebalance repeats these too."""
    os.write(processed, f"- {time.monotonic()}\n".encode())


@app.timer(0.5)
async def report() -> None:
    """Sums over this worker's tables, for the test to read; unfinished while partitions move."""
    held = {table.name: sum(value for _, value in table.data.items()) for table in TABLES}
    held["ids"] = len(seen)
    held["parts"] = sorted(tp.partition for tp in app.consumer.assignment() if tp.topic == "detections")
    held["moving"] = app.rebalancing
    target = Path(f"report-{os.getpid()}.json")
    target.with_suffix(".new").write_text(json.dumps(held), encoding="utf-8")
    target.with_suffix(".new").rename(target)


if __name__ == "__main__":
    app.main()
