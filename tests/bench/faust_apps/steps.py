"""One Faust worker that reads a filled topic and says how it went; the step and the sizes come from the environment.

BENCH_STEP     agent, hot (table, 500 keys), distinct (table, every key its own), groupby, latency
BENCH_EVENTS   how many events to take; then it prints RESULT and ends (0: never)
BENCH_BROKER, BENCH_APP, BENCH_GUARANTEE, BENCH_DATA
Throughput runs from the first event until the commit that covers the last one is confirmed.
"""

import asyncio
import json
import os
import time
from typing import Any

import faust
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

STEP, EVENTS = os.environ["BENCH_STEP"], int(os.environ["BENCH_EVENTS"])
APP = os.environ["BENCH_APP"]

if "trace=1" in os.environ["BENCH_BROKER"]:
    trace.set_tracer_provider(TracerProvider())     # spans are made, and exported nowhere

app = faust.App(
    APP,
    broker=os.environ["BENCH_BROKER"],
    processing_guarantee=os.environ["BENCH_GUARANTEE"],
    store="memory://",
    topic_partitions=4,
    broker_session_timeout=4,
    broker_heartbeat_interval=1,
    table_standby_replicas=0,
    datadir=os.environ["BENCH_DATA"],
)


class Detection(faust.Record, serializer="json"):
    """``at`` is when it was published, in seconds of this machine's clock."""

    id: int
    camera: str
    owner: str
    at: float = 0.0


source = app.topic("bench", key_type=str, value_type=Detection, partitions=4)
done = asyncio.Event()
delays: list[float] = []
progress: dict[str, float] = {"n": 0}


def tick() -> None:
    if not progress["n"]:
        progress.update(wall=time.perf_counter(), cpu=time.process_time())
    progress["n"] += 1
    if progress["n"] == EVENTS:
        done.set()


if STEP == "agent":

    @app.agent(source)
    async def read(stream: Any) -> None:
        async for _ in stream:
            tick()

elif STEP == "latency":

    @app.agent(source)
    async def hurry(stream: Any) -> None:
        async for event in stream:
            delays.append(time.time() - event.at)
            tick()

elif STEP in ("hot", "distinct"):
    counts = app.Table("counts", default=int, partitions=4)

    @app.agent(source)
    async def count(stream: Any) -> None:
        async for event in stream:
            counts[event.camera if STEP == "hot" else str(event.id)] += 1
            tick()

else:
    owners = app.Table("owners", default=int, partitions=4)

    @app.agent(source)
    async def by_owner(stream: Any) -> None:
        async for event in stream.group_by(Detection.owner, name=APP, partitions=4):
            owners[event.owner] += 1
            tick()


@app.task
async def report() -> None:
    """Print what the parent waits for, and end without ceremony."""
    await done.wait()
    while await app.consumer.commit() or app.consumer.unacked:  # noqa: ASYNC110  a commit sets no event
        await asyncio.sleep(0)
    wall, cpu = time.perf_counter() - progress["wall"], time.process_time() - progress["cpu"]
    found = {"wall": progress["n"] / wall, "cpu": progress["n"] / cpu, "delays": sorted(delays[len(delays) // 5 :])}
    os.write(1, f"RESULT {json.dumps(found)}\n".encode())
    os._exit(0)


if __name__ == "__main__":
    app.main()
