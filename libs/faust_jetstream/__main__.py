"""``python -m faust_jetstream lag|members|reset``: look at a group and move it."""

import argparse
import asyncio
import sys
from collections import defaultdict
from types import SimpleNamespace

from faust.exceptions import FaustError
from nats.errors import Error as NatsError
from yarl import URL

from .admin import Topics
from .connection import Connection
from .operations import members, positions, reset, target_of
from .settings import Settings, read_settings


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m faust_jetstream", description=__doc__)
    parser.add_argument("--broker", default="nats://127.0.0.1:4222", help="as the app has it, options included")
    parser.add_argument("--app", required=True, help="the app's id")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("lag", help="committed offset, end, lag and owner of each partition")
    verbs.add_parser("members", help="live workers and their partitions")
    again = verbs.add_parser("reset", help="read on from other offsets; tables are not turned back")
    again.add_argument("to", nargs="+", metavar="TOPIC:PARTITION=OFFSET")
    return parser.parse_args(argv)


def _settings(broker: str, app: str) -> Settings:
    stand_in = SimpleNamespace(
        id=app,
        broker_session_timeout=60.0,
        broker_heartbeat_interval=3.0,
        broker_request_timeout=30.0,
        broker_rebalance_timeout=60.0,
        topic_replication_factor=1,
    )
    return read_settings([URL(one) for one in broker.split(";")], stand_in)


async def _run(arguments: argparse.Namespace) -> None:
    settings = _settings(arguments.broker, arguments.app)
    connection = Connection(settings.access, "faust_jetstream")
    topics = Topics(connection, settings, None)
    await connection.open()
    try:
        if arguments.verb == "lag":
            for at in await positions(topics, connection):
                print(f"{at.topic}:{at.partition}\tcommitted {at.committed}\tend {at.end}\tlag {at.lag}\towner {at.owner}")  # noqa: T201  a command's answer
        elif arguments.verb == "members":
            for name, held in (await members(connection, topics.names)).items():
                print(f"{name}\t{' '.join(held)}")  # noqa: T201
        else:
            await _reset(topics, connection, arguments.to)
    finally:
        await connection.close()


async def _reset(topics: Topics, connection: Connection, wanted: list[str]) -> None:
    by_topic: dict[str, dict[int, int]] = defaultdict(dict)
    for one in wanted:
        tp, offset = target_of(one)
        by_topic[tp.topic][tp.partition] = offset
    for topic, offsets in by_topic.items():
        await reset(topics, connection, topic, offsets)


def main(argv: list[str]) -> int:
    """Exit code 0, or 2 with the reason on standard error."""
    try:
        asyncio.run(_run(_arguments(argv)))
    except (FaustError, ValueError, NatsError) as exc:
        print(exc, file=sys.stderr)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
