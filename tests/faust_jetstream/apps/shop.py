"""The app of the tests of what stands around agents: web views, table routes, the command line."""

import os

import faust
from faust.web import Request, Response, View

app = faust.App(
    os.environ["APP"],
    broker=os.environ["BROKER"],
    processing_guarantee="exactly_once",
    store="memory://",
    topic_partitions=4,
    table_standby_replicas=0,
    broker_session_timeout=4,
    broker_commit_interval=0.2,
    datadir=f"data-{os.getpid()}",
)


class Order(faust.Record, serializer="json"):
    amount: int


orders = app.topic("orders", key_type=str, value_type=Order)
sums = app.Table("sums", default=int)


@app.agent(orders)
async def add(stream: faust.Stream) -> None:  # type: ignore[type-arg]
    async for customer, order in stream.items():
        sums[customer] += order.amount


@app.page("/sum/{key}/")
@app.table_route(table=sums, match_info="key")
async def sum_of(web: View, request: Request, key: str) -> Response:
    """The sum of one key, from whichever worker has it."""
    return web.json({"key": key, "sum": sums[key], "pid": os.getpid()})


if __name__ == "__main__":
    app.main()
