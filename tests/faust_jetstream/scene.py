"""Workers of the counting app under load, and the checks of what they leave behind."""

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import nats
from nats.errors import Error as NatsError

from faust_jetstream.testkit import Cluster, Server, TableReader, Worker, lag, publish_events, until
from faust_jetstream.testkit.oracle import last_messages

APP = Path(__file__).parent / "apps" / "counting.py"
PARTITIONS = 4
LEASE = 4.0             # seconds; so the app is configured
COMMIT_EVERY = 0.5      # seconds
HANG = 2 * LEASE + 1.0  # seconds: the thread renews for one lease, then the last renewal runs out
BEFORE = COMMIT_EVERY + 1.5     # seconds from an event to the confirmation of its commit, on a busy machine
AFTER = COMMIT_EVERY + 3.0      # seconds until a worker that was hurt is connected again and knows what it has lost


class Scene:
    """Workers of ``apps/counting.py`` under load, and what they must have stored in the end."""

    def __init__(self, servers: Server | Cluster, folder: Path, name: str, guarantee: str, **env: str) -> None:
        self.servers = servers
        self.folder = folder
        self.name = name
        self.guarantee = guarantee
        self.workers: list[Worker] = []
        self.urls = [one.url for one in getattr(servers, "servers", [servers])]
        self._env = {"APP": name, "BROKER": self.broker(self.urls), "GUARANTEE": guarantee, "HANG": str(HANG), **env}

    def broker(self, urls: Iterable[str]) -> str:
        return ";".join(f"{url}/?prefix={self.name}&connect_timeout=60" for url in urls)

    def start(self, **env: str) -> Worker:
        worker = Worker(APP, self.folder, f"{self.name}-w{len(self.workers)}", {**self._env, **env})
        self.workers.append(worker)
        return worker.start()

    async def load(self, count: int, rate: float) -> None:
        def event(number: int) -> tuple[str, dict[str, Any]]:
            camera = f"camera-{number % 40}"
            return camera, {"id": number, "camera": camera, "owner": f"owner-{number % 7}"}

        await publish_events(tuple(self.urls), "detections", PARTITIONS, count, event, rate=rate, prefix=self.name)

    def held(self) -> Counter[str]:
        """Sums over the tables of all live workers; ``moving`` if any of them has no settled assignment."""
        sums: Counter[str] = Counter()
        for worker in self.workers:
            if worker.running:
                report = self.folder / f"report-{worker.pid}.json"
                told = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {"moving": True}
                sums.update({key: int(value) for key, value in told.items() if key != "parts"})
        return sums

    async def settled(self, count: int, timeout: float = 90.0) -> dict[str, dict[Any, Any]]:  # noqa: ASYNC109  the test's patience
        """The stored tables, once every event is in all of them and committed."""
        nc = await nats.connect(self.urls)
        reader = TableReader(nc.jetstream(timeout=10), self.name, self.name)
        tables: dict[str, dict[Any, Any]] = {}

        async def complete() -> bool:
            try:
                return await looked()
            except NatsError:           # servers come and go
                return False

        async def looked() -> bool:
            if not any(worker.running for worker in self.workers):
                raise AssertionError(f"no worker is left:\n{self.workers[-1].text()[-4000:]}")
            for table in ("totals", "seen", "owners", "noticed", "hourly"):
                tables[table] = await reader.table(table)
            return (
                len(tables["seen"]) == count
                and all(sum(tables[table].values()) >= count for table in ("totals", "owners", "hourly"))
                and (self.guarantee == "at_least_once" or len(tables["noticed"]) == count // 10)
                and await lag(nc.jetstream(timeout=10), self.name, "detections", PARTITIONS, self.name) == 0
            )

        try:
            await until(complete, timeout, 0.3)
        except TimeoutError:
            sums = {table: (len(values), sum(values.values())) for table, values in tables.items()}
            raise AssertionError(f"not settled: {sums}\n{self.workers[-1].text()[-4000:]}") from None
        finally:
            await nc.close()
        return tables

    async def alerts(self) -> list[int]:
        """Every stored alert, repetitions included."""
        nc = await nats.connect(self.urls)
        try:
            js = nc.jetstream(timeout=10)
            found = [int(body) for part in range(PARTITIONS) for _, body in await last_messages(js, f"{self.name.upper()}_alerts_{part}", ">", everything=True)]
        finally:
            await nc.close()
        return found

    async def end(self) -> None:
        for worker in self.workers:
            worker.kill()

    async def assert_exact(self, count: int) -> None:
        """Every event is in every table once, every output is stored once."""
        tables = await self.settled(count)
        assert [id_ for id_, times in tables["seen"].items() if times != 1] == []
        sums = {name: sum(values.values()) for name, values in tables.items()}
        assert sums == {"totals": count, "seen": count, "owners": count, "hourly": count, "noticed": count // 10}
        assert sorted(await self.alerts()) == list(range(0, count, 10))

    async def assert_complete(self, count: int, hurt: Sequence[tuple[float, float]]) -> None:
        """No event is missing anywhere, and what was counted again had been finished within a commit interval of a rebalance or of ``hurt``."""
        tables = await self.settled(count)
        assert set(tables["seen"]) == {str(number) for number in range(count)}
        assert set(await self.alerts()) == set(range(0, count, 10))
        logs = self.logs()
        times = [at for log in logs for number, at in log if number == "-"]
        repeated = finished_before_they_were_repeated(logs)
        again = sum(tables["totals"].values()) - count
        assert 0 <= again <= len(repeated), f"{again} counted again, {len(repeated)} processed again"
        near = [*hurt, *((at, at) for at in times)]
        apart = [at for at in repeated if at is not None and not any(begun - BEFORE <= at <= ended + AFTER for begun, ended in near)]
        assert apart == [], f"{len(apart)} of {len(repeated)} repeated events had been finished far from any fault or rebalance: {apart[:9]} {near}"

    def logs(self) -> list[list[tuple[str, float]]]:
        """What each worker noted: the number of an event, with a + when all agents were done with it, or - for a rebalance, and when (clock: monotonic)."""
        lines = [log.read_text(encoding="utf-8").splitlines() for log in self.folder.glob("processed-*.log")]
        return [[(line.partition(" ")[0], float(line.partition(" ")[2])) for line in log] for log in lines]

    async def assert_held(self, count: int) -> None:
        """The workers' own tables hold what is stored, keys that stopped changing included."""
        stored = {name: sum(values.values()) for name, values in (await self.settled(count)).items()}
        expected = {"ids": count, **{name: stored[name] for name in ("seen", "owners", "hourly", "totals")}}

        async def whole() -> bool:
            held = self.held()
            return not held["moving"] and {name: held[name] for name in expected} == expected

        try:
            await until(whole, 30)
        except TimeoutError:
            raise AssertionError(f"the tables of the live workers hold {dict(self.held())}, stored is {expected}") from None


def finished_before_they_were_repeated(logs: Iterable[Sequence[tuple[str, float]]]) -> list[float | None]:
    """For each time that an event was processed and came again: when all agents were done with it before, None if they never were."""
    begun: dict[str, list[float]] = {}
    done: dict[str, list[float]] = {}
    for number, at in (note for log in logs for note in log if note[0] != "-"):
        if number.startswith("+"):
            done.setdefault(number[1:], []).append(at)
        else:
            begun.setdefault(number, []).append(at)
    return [
        max((at for at in done.get(number, ()) if first <= at < again), default=None)
        for number, found in begun.items()
        for first, again in itertools.pairwise(sorted(found))
    ]
