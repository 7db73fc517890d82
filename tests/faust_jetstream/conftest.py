"""One server for the whole folder, an app id and prefix of its own for each test."""
# mypy: disable-error-code="untyped-decorator"

import asyncio
import gc
import itertools
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import faust
import nats
import pytest
from faust.tables.manager import TableManager
from nats.aio.client import Client
from nats.js import JetStreamContext

from faust_jetstream.connection import Connection
from faust_jetstream.settings import Access, Settings
from faust_jetstream.testkit import Cluster, Server
from tests.faust_jetstream.scene import Scene

_numbers = itertools.count(1)
_HERE = str(Path(__file__).parent)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Third-party code warns on import and on stop; none of it is ours to mend."""
    for item in items:
        if str(item.path).startswith(_HERE):
            for module in ("faust", "mode", "venusian", "intervaltree", "opentracing"):
                item.add_marker(pytest.mark.filterwarnings(f"ignore::DeprecationWarning:{module}"))
            if "reconnects" in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))


@pytest.fixture
def reconnects() -> Iterator[None]:
    """For tests that end servers: nats-py leaves the old transport of a reconnection to the garbage collector, which complains."""
    yield
    gc.collect()


@pytest.fixture(autouse=True)
def _quiet_faust() -> None:
    logging.getLogger("faust").setLevel(logging.WARNING)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("nats")) as running:
        yield running


@pytest.fixture
def name() -> str:
    """Of an app and its prefix: no two tests meet."""
    return f"t{next(_numbers)}"


@pytest.fixture
async def nc(server: Server) -> AsyncIterator[Client]:
    client = await nats.connect(server.url)
    yield client
    await client.close()


@pytest.fixture
def js(nc: Client) -> JetStreamContext:
    return nc.jetstream()


@pytest.fixture
async def connection(server: Server) -> AsyncIterator[Connection]:
    opened = Connection(Access((server.url,)), "test")
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def settings(server: Server, name: str) -> Settings:
    return Settings(Access((server.url,)), app=name, prefix=name, lease=3.0, beat=0.4, request_timeout=10.0, rebalance_timeout=5.0)


@pytest.fixture(autouse=True)
def _no_second_of_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faust waits a whole second at start for tables that are still to be declared; here all are."""

    async def brief(self: TableManager, seconds: float) -> None:
        await asyncio.sleep(seconds / 100)

    monkeypatch.setattr(TableManager, "sleep", brief)


MakeApp = Callable[..., faust.App]


@pytest.fixture
def make_app(server: Server, name: str, tmp_path: Path) -> MakeApp:
    def make(app_id: str = name, query: str = "", **conf: Any) -> faust.App:
        given = {
            "processing_guarantee": "exactly_once",
            "topic_partitions": 2,
            "store": "memory://",
            "broker_session_timeout": 4,
            "broker_heartbeat_interval": 1,
            "broker_commit_interval": 0.2,
            "broker_request_timeout": 20,
            "broker_rebalance_timeout": 10,
            "table_standby_replicas": 0,
            "web_enabled": False,
            "datadir": str(tmp_path / app_id),
            **conf,
        }
        broker = f"{conf.pop('url', server.url)}/?prefix={name}{query}"
        return faust.App(app_id, broker=broker, **{key: value for key, value in given.items() if key != "url"})

    return make


@pytest.fixture
def make_collector(make_app: MakeApp) -> Callable[..., tuple[Any, Any, list[int]]]:
    """Makes an app, its topic of one partition, and the list to which its one agent adds each number."""

    def make(**given: Any) -> tuple[Any, Any, list[int]]:
        app: Any = make_app(**given)
        numbers = app.topic("numbers", key_type=str, value_type=int, partitions=1)
        seen: list[int] = []

        @app.agent(numbers)
        async def work(stream: Any) -> None:
            async for number in stream:
                seen.append(number)  # noqa: PERF401  the loop is an agent's, not a list's

        return app, numbers, seen

    return make


@pytest.fixture
async def scenes(tmp_path: Path, name: str) -> AsyncIterator[Callable[..., Scene]]:
    made: list[Scene] = []

    def make(servers: Server | Cluster, guarantee: str, **env: str) -> Scene:
        made.append(Scene(servers, tmp_path, f"{name}x{len(made)}", guarantee, **env))
        return made[-1]

    yield make
    for scene in made:
        await scene.end()
