"""Orders come in, are summed per customer and hour, regrouped by country, and large ones are reported.

    nats-server -js &
    python -m faust_jetstream.examples.orders worker -l info --without-web
    python -m faust_jetstream.examples.orders produce --orders 1000
"""

import os
from datetime import timedelta
from typing import Any

import faust
from faust.cli import option

app = faust.App(
    "orders-example",
    broker=os.environ.get("BROKER", "nats://127.0.0.1:4222"),
    processing_guarantee="exactly_once",
    store="memory://",
    topic_partitions=4,
    table_standby_replicas=0,
    broker_session_timeout=10,      # a worker that is silent for so long is replaced
    broker_heartbeat_interval=2,
    broker_commit_interval=float(os.environ.get("COMMIT_EVERY", "1")),
)


class Order(faust.Record, serializer="json"):
    """``amount`` is in cents."""

    customer: str
    country: str
    amount: int


orders = app.topic("orders", key_type=str, value_type=Order)
large = app.topic("large-orders", key_type=str, value_type=Order)
spent = app.Table("spent", default=int)
hourly = app.Table("hourly", default=int).tumbling(timedelta(hours=1), expires=timedelta(days=1))
by_country = app.Table("by-country", default=int)


@app.agent(orders)
async def sum_up(stream: Any) -> None:
    """A table per customer, one per customer and hour, and an output."""
    async for order in stream:
        spent[order.customer] += order.amount
        hourly[order.customer] += order.amount
        if order.amount >= 9_000:
            await large.send(key=order.customer, value=order)


@app.agent(orders)
async def regroup(stream: Any) -> None:
    """The same orders by country; ``name`` keeps the topic apart from other apps'."""
    async for order in stream.group_by(Order.country, name="orders-example-country", partitions=4):
        by_country[order.country] += order.amount


@app.timer(5)  # type: ignore[untyped-decorator]
async def tell() -> None:
    """What this worker's tables hold; with several workers each has its share."""
    print(f"{sum(spent.values())} cents of {len(spent)} customers, by country: {dict(by_country.items())}")  # noqa: T201  what a reader looks for


@app.command(option("--orders", type=int, default=1000))
async def produce(self: Any, orders: int) -> None:
    """Send orders with known sums."""
    await app.producer.start()
    total = 0
    for number in range(orders):
        order = Order(customer=f"customer-{number % 20}", country=f"country-{number % 3}", amount=number % 100 * 100)
        await globals()["orders"].send(key=order.customer, value=order)
        total += order.amount
    await app.producer.flush()
    await app.producer.stop()
    self.say(f"{orders} orders sent, {total} cents")


if __name__ == "__main__":
    app.main()
