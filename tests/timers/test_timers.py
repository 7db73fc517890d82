"""Jobs run when they are due, once, by one replica; missed ones are caught up once, failing ones are tried again."""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import Exported
from vonglau.broker import Broker, KeyValue
from vonglau.documents import Changes, Condition, SqliteDocuments, Write
from vonglau.errors import Damaged, Unavailable
from vonglau.leases import BUCKET, Lease, LeaseLost
from vonglau.telemetry.names import LOOP, TIMER_SINCE_SUCCESS
from vonglau.testing.clock import SettableClock
from vonglau.testing.timers import MemoryLease, MemoryRuns
from vonglau.testing.waiting import eventually
from vonglau.timers import Daily, Every, KeptRuns, Pace, Runs, Timers, overdue

QUICK = Pace(look_s=0.001, retry_s=10, most_retry_s=40)
HOUR, DAY = 3600.0, 86_400.0


class Job:
    """Remembers when it was due; fails as often as it is told."""

    def __init__(self, failures: int = 0) -> None:
        self.due: list[int] = []
        self.tries = 0
        self._failures = failures

    async def __call__(self, due_ns: int) -> None:
        self.tries += 1
        if self.tries <= self._failures:
            raise RuntimeError("no room")
        self.due.append(due_ns)


class Away:
    """What a log that is away says to whatever it is asked for."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, *_: object) -> None:
        self.asked += 1
        if self.asked > 100:
            raise asyncio.CancelledError  # else a loop that never pauses would never let a test fail
        raise Unavailable("LOG_UNAVAILABLE", "the event log is away")


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def runs() -> MemoryRuns:
    return MemoryRuns()


@pytest.fixture
async def timers(clock: SettableClock, runs: MemoryRuns) -> AsyncIterator[Timers]:
    timers = Timers(MemoryLease(), runs, clock, pace=QUICK)
    yield timers
    await timers.stop()


def tried(job: Job, times: int) -> bool:
    return job.tries == times


def failed(timers: Timers, times: int) -> bool:
    return timers.timers[0].failures == times


async def settle() -> None:
    """Long enough for some looks at the clock."""
    for _ in range(5):
        await asyncio.sleep(0.002)


async def test_a_job_that_never_ran_runs_at_once(clock: SettableClock, timers: Timers) -> None:
    job = Job()
    timers.every("job", Every(HOUR), job)
    await timers.start()
    await eventually(lambda: job.due == [clock.now_ns()])


async def test_no_job_runs_before_the_process_is_ready_and_the_lease_is_left_to_others_until_then(clock: SettableClock, runs: MemoryRuns) -> None:
    ready, lease, job = asyncio.Event(), MemoryLease(), Job()
    timers = Timers(lease, runs, clock, pace=QUICK)
    timers.every("job", Every(HOUR), job)

    async def is_ready() -> None:
        await ready.wait()

    await timers.start(is_ready)
    async with lease.held():
        assert job.tries == 0
    ready.set()
    await eventually(lambda: job.tries == 1)
    await timers.stop()


async def test_a_job_runs_again_after_its_interval_and_not_before(clock: SettableClock, timers: Timers) -> None:
    job = Job()
    timers.every("job", Every(HOUR), job)
    await timers.start()
    await eventually(lambda: job.tries == 1)
    clock.advance(HOUR - 1)
    await settle()
    assert job.tries == 1
    clock.advance(1)
    await eventually(lambda: job.tries == 2)


async def test_runs_that_were_missed_are_caught_up_once(clock: SettableClock, timers: Timers, runs: MemoryRuns) -> None:
    job = Job()
    runs.began_ns["job"] = clock.now_ns()
    clock.advance(3 * DAY + HOUR)
    timers.every("job", Daily(timedelta(minutes=20)), job)
    await timers.start()
    await eventually(lambda: job.tries == 1)
    await settle()
    assert job.tries == 1
    clock.advance(DAY)
    await eventually(lambda: job.tries == 2)


async def test_a_restart_does_not_run_a_job_before_its_time(clock: SettableClock, timers: Timers, runs: MemoryRuns) -> None:
    job = Job()
    runs.began_ns["job"] = clock.now_ns()
    clock.advance(HOUR - 1)
    timers.every("job", Every(HOUR), job)
    await timers.start()
    await settle()
    assert job.tries == 0


async def test_a_failed_job_is_tried_again_after_longer_and_longer_pauses(clock: SettableClock, timers: Timers, runs: MemoryRuns) -> None:
    job = Job(failures=4)
    timers.every("job", Every(HOUR), job)
    await timers.start()
    for tries, pause in ((1, 10), (2, 20), (3, 40), (4, 40)):
        await eventually(partial(failed, timers, tries))
        assert runs.began_ns == {}
        clock.advance(pause * 0.74)
        await settle()
        assert job.tries == tries
        clock.advance(pause * 0.26)
        await eventually(partial(tried, job, tries + 1))
    await eventually(lambda: timers.timers[0].failures == 0)
    assert runs.began_ns == {"job": clock.now_ns()}


@pytest.mark.parametrize(("error", "is_traced"), [(Unavailable("LOG_UNAVAILABLE", "the event log is away"), False), (RuntimeError("a bug"), True)])
async def test_a_foreseen_failure_is_told_by_its_words_and_a_bug_by_where_it_came_from(
    timers: Timers, caplog: pytest.LogCaptureFixture, error: Exception, is_traced: bool,
) -> None:
    async def fail(due_ns: int) -> None:
        raise error

    timers.every("failing", Every(HOUR), fail)
    await timers.start()
    await eventually(partial(failed, timers, 1))
    told = next(record for record in caplog.records if record.levelname == "ERROR")
    assert str(error) in caplog.text
    assert bool(told.exc_info) is is_traced


async def test_a_job_that_fails_or_takes_long_does_not_hold_up_the_others(clock: SettableClock, timers: Timers) -> None:
    other = Job()

    async def hang(due_ns: int) -> None:
        await asyncio.Event().wait()

    timers.every("hanging", Every(HOUR), hang)
    timers.every("failing", Every(HOUR), Job(failures=100))
    timers.every("other", Every(HOUR), other)
    await timers.start()
    for run in (1, 2, 3):
        await eventually(partial(tried, other, run))
        clock.advance(HOUR)


async def test_a_clock_that_went_back_puts_a_job_off_by_one_turn_at_most(clock: SettableClock, timers: Timers, runs: MemoryRuns) -> None:
    job = Job()
    runs.began_ns["job"] = clock.now_ns()
    clock.step(-30 * DAY)
    timers.every("job", Every(HOUR), job)
    await timers.start()
    await settle()
    clock.advance(HOUR)
    await eventually(lambda: job.tries == 1)


async def test_jitter_puts_a_run_off_within_its_bound(clock: SettableClock, timers: Timers, runs: MemoryRuns) -> None:
    jobs = [Job() for _ in range(50)]
    for n, job in enumerate(jobs):
        runs.began_ns[f"job-{n}"] = clock.now_ns()
        timers.every(f"job-{n}", Every(HOUR), job, jitter_s=600)
    await timers.start()
    clock.advance(HOUR + 300)
    await eventually(lambda: 10 < sum(job.tries for job in jobs) < 40)
    clock.advance(300)
    await eventually(lambda: all(job.tries == 1 for job in jobs))


async def test_a_run_that_could_not_be_saved_is_repeated(clock: SettableClock, timers: Timers, runs: MemoryRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job()
    timers.every("job", Every(HOUR), job)
    with monkeypatch.context() as broken:
        broken.setattr(runs, "save", Away())
        await timers.start()
        await eventually(partial(failed, timers, 1))
    clock.advance(10)
    await eventually(lambda: job.tries == 2 and runs.began_ns)


async def test_while_nobody_can_tell_when_a_job_ran_last_it_is_asked_after_pauses_and_the_process_goes_on(
    clock: SettableClock, timers: Timers, runs: MemoryRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    away, job = Away(), Job()
    timers.every("job", Every(HOUR), job)
    with monkeypatch.context() as broken:
        broken.setattr(runs, "last", away)
        await timers.start()
        await eventually(partial(failed, timers, 1))
        await settle()
        assert away.asked == 1
        clock.advance(10)
        await eventually(partial(failed, timers, 2))
        await settle()
        assert away.asked == 2
    clock.advance(20)
    await eventually(lambda: job.tries == 1)


async def test_a_lost_lease_stops_the_jobs_until_it_is_held_again(clock: SettableClock, runs: MemoryRuns, caplog: pytest.LogCaptureFixture) -> None:
    entered: list[asyncio.Task[None]] = []
    stopped = asyncio.Event()

    class Flickering:
        """Lost once, when its holder is cancelled for the first time."""

        @asynccontextmanager
        async def held(self) -> AsyncIterator[None]:
            task = asyncio.current_task()
            assert task is not None
            entered.append(task)
            try:
                yield
            except asyncio.CancelledError as error:
                if len(entered) > 1:
                    raise
                task.uncancel()
                raise LeaseLost("lost") from error

    async def work(due_ns: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    timers = Timers(Flickering(), runs, clock, pace=QUICK)
    timers.every("job", Every(HOUR), work)
    await timers.start()
    await eventually(lambda: entered)
    await settle()
    entered[0].cancel()
    await eventually(stopped.is_set)
    await eventually(lambda: len(entered) == 2)
    await timers.stop()
    assert [(entry.levelname, entry.exc_info) for entry in caplog.records] == [("WARNING", None)]  # foreseen: no stack of calls


@pytest.fixture(params=["memory", pytest.param("kept", marks=pytest.mark.loopback)])
def kept(request: pytest.FixtureRequest) -> Runs:
    return MemoryRuns() if request.param == "memory" else KeptRuns(request.getfixturevalue("broker"))


async def test_the_last_run_is_remembered_and_never_goes_back(kept: Runs) -> None:
    assert await kept.last("job") is None
    for began in (5, 9, 7):
        await kept.save("job", began)
    assert (await kept.last("job"), await kept.last("other")) == (9, None)


@pytest.mark.loopback
@pytest.mark.parametrize("damage", [b"{", b"[]", b'{"began_ns": "soon"}'])
async def test_a_damaged_memory_of_the_last_run_costs_one_run(broker: Broker, damage: bytes) -> None:
    await KeyValue(broker, BUCKET).put("ran.job", damage)
    runs = KeptRuns(broker)
    assert await runs.last("job") is None
    await runs.save("job", 9)
    assert await runs.last("job") == 9


@pytest.mark.loopback
async def test_of_two_replicas_one_runs_the_job_and_the_other_goes_on_when_it_stops(broker: Broker, clock: SettableClock) -> None:
    jobs = [Job(), Job()]
    replicas = [Timers(Lease(broker, "timers.test", ttl_s=1), KeptRuns(broker), clock, pace=QUICK) for _ in jobs]
    for replica, job in zip(replicas, jobs, strict=True):
        replica.every("job", Every(HOUR), job)
        await replica.start()
    await eventually(lambda: jobs[0].tries + jobs[1].tries == 1)
    runner = 0 if jobs[0].tries else 1
    clock.advance(HOUR)
    await eventually(lambda: jobs[runner].tries == 2)
    await eventually(lambda: saved(broker, clock.now_ns()))
    await replicas[runner].stop()
    clock.advance(HOUR)
    await eventually(lambda: jobs[1 - runner].tries == 1)
    assert jobs[runner].tries == 2
    await replicas[1 - runner].stop()


async def saved(broker: Broker, began_ns: int) -> bool:
    return await KeptRuns(broker).last("job") == began_ns


async def test_what_is_overdue_comes_longest_due_first_and_nothing_else_does(tmp_path: Path, clock: SettableClock) -> None:
    documents = SqliteDocuments(tmp_path / "documents.db")
    await documents.prepare("alerts")
    now = clock.now_ns()
    dues = {"a": now - 1, "b": now, "c": now + 1, "d": now - 5, "e": None, "f": now - 5}
    await documents.apply(Changes([Write("alerts", name, {"_id": name, "due_ns": due}, "es_test", 1, {}) for name, due in dues.items()]))
    assert [each["_id"] async for each in overdue(documents, "alerts", clock, page=2)] == ["d", "f", "a", "b"]
    assert len(await documents.find("alerts", Condition("due_ns", ">", now))) == 1
    await documents.close()


async def test_whatever_goes_wrong_before_the_process_is_ready_is_tried_again(clock: SettableClock, runs: MemoryRuns) -> None:
    timers, job, wrong = Timers(MemoryLease(), runs, clock, pace=QUICK), Job(), [Damaged("DOCUMENTS_DAMAGED", "not a database"), Unavailable("X", "away")]

    async def is_ready() -> None:
        if wrong:
            raise wrong.pop()

    timers.every("job", Every(HOUR), job)
    await timers.start(is_ready)
    await eventually(lambda: job.tries == 1)
    await timers.stop()


async def test_how_long_a_job_has_not_succeeded_is_told_by_who_holds_the_lease(clock: SettableClock, exported: Exported) -> None:
    runs, job = MemoryRuns(), Job(failures=1_000)
    runs.began_ns["job"] = clock.now_ns()
    timers = Timers(MemoryLease(), runs, clock, pace=QUICK)
    timers.every("job", Every(HOUR), job)
    assert exported.value(TIMER_SINCE_SUCCESS.name) is None
    clock.advance(2 * HOUR)
    await timers.start()
    await eventually(lambda: job.tries > 0)
    clock.advance(HOUR)
    assert exported.value(TIMER_SINCE_SUCCESS.name, **{LOOP: "job"}) == 3 * HOUR
    await timers.stop()
    assert exported.value(TIMER_SINCE_SUCCESS.name) is None
