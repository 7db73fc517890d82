"""The loop that reads all cameras: each gets its turn, none can harm another."""
from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from services.ingest.drain import DrainLoop
from services.ingest.media.errors import DamagedStream
from services.ingest.rtsp.errors import Damaged, Silent, StreamUnavailable, TransportLost
from vonglau.testing.waiting import eventually

pytestmark = pytest.mark.loopback


class Line:
    """A connection whose other end is in the test; takes messages of four bytes."""

    def __init__(self) -> None:
        self.other, self.socket = socket.socketpair()
        self.socket.setblocking(False)
        self.tail = b""
        self.messages: list[bytes] = []
        self.visits = 0
        self.error: StreamUnavailable | None = None
        self.trouble: Exception | None = None

    def received(self, buffer: bytearray, view: memoryview, n: int) -> int:
        if self.trouble is not None:
            raise self.trouble
        whole = n - n % 4
        self.messages += [bytes(view[at:at + 4]) for at in range(0, whole, 4)]
        return whole

    def visited(self) -> None:
        self.visits += 1

    def failed(self, error: StreamUnavailable) -> None:
        self.error = error

    def close(self) -> None:
        self.other.close()
        self.socket.close()


@pytest.fixture
async def drain() -> AsyncIterator[DrainLoop]:
    loop = DrainLoop(interval_ms=50, watched_interval_ms=10, slots=10)
    yield loop
    loop.close()


@pytest.fixture
async def lines(drain: DrainLoop) -> AsyncIterator[list[Line]]:
    made = [Line() for _ in range(3)]
    for line in made:
        drain.attach(line)
    yield made
    for line in made:
        line.close()


async def test_messages_come_out_whole_over_any_cut(lines: list[Line]) -> None:
    first = lines[0]
    first.other.send(b"aaaabb")
    await eventually(lambda: first.tail == b"bb")
    first.other.send(b"bbcccc")
    await eventually(lambda: first.messages == [b"aaaa", b"bbbb", b"cccc"])


async def test_more_than_one_scratch_is_read_in_one_visit(lines: list[Line]) -> None:
    first = lines[0]
    first.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    sent = b"".join(number.to_bytes(4, "big") for number in range(400_000))
    sending = asyncio.create_task(asyncio.to_thread(first.other.sendall, sent))
    await eventually(lambda: len(first.messages) == 400_000)
    await sending
    assert b"".join(first.messages) == sent


@pytest.mark.parametrize(("trouble", "error"), [
    (DamagedStream("x"), Damaged), (Silent("x"), Silent), (ConnectionResetError("x"), TransportLost), (ZeroDivisionError("x"), Damaged),
])
async def test_a_camera_that_fails_leaves_the_others_alone(
    drain: DrainLoop, lines: list[Line], trouble: Exception, error: type[StreamUnavailable], caplog: pytest.LogCaptureFixture,
) -> None:
    failing, other, _ = lines
    failing.trouble = trouble
    failing.other.send(b"aaaa")
    await eventually(lambda: failing.error)
    assert type(failing.error) is error
    visits = failing.visits
    other.other.send(b"bbbb")
    await eventually(lambda: other.messages == [b"bbbb"])
    assert failing.visits == visits
    assert drain.failures == (1 if isinstance(trouble, ZeroDivisionError) else 0)


async def test_the_end_of_a_connection_is_transport_lost(lines: list[Line]) -> None:
    lines[0].other.close()
    await eventually(lambda: lines[0].error)
    assert isinstance(lines[0].error, TransportLost)


async def test_a_watched_camera_is_visited_more_often(drain: DrainLoop, lines: list[Line]) -> None:
    watched, plain, _ = lines
    drain.watch(watched, watched=True)
    before = watched.visits, plain.visits
    await eventually(lambda: plain.visits >= before[1] + 4)
    assert watched.visits - before[0] >= 2 * (plain.visits - before[1])
    drain.watch(watched, watched=False)
    before = watched.visits, plain.visits
    await eventually(lambda: plain.visits >= before[1] + 4)
    assert watched.visits - before[0] <= plain.visits - before[1] + 2


async def test_a_detached_connection_is_not_visited_again(drain: DrainLoop, lines: list[Line]) -> None:
    gone, other, _ = lines
    drain.detach(gone)
    drain.detach(gone)
    visits, before = gone.visits, other.visits
    await eventually(lambda: other.visits > before + 2)
    assert gone.visits == visits


async def test_the_loop_rests_without_connections_and_wakes_for_the_next(drain: DrainLoop, lines: list[Line]) -> None:
    for line in lines:
        drain.detach(line)
    await eventually(lambda: drain._timer is None)
    drain.attach(lines[0])
    lines[0].other.send(b"late")
    await eventually(lambda: lines[0].messages == [b"late"])


async def test_being_late_is_measured(drain: DrainLoop, lines: list[Line]) -> None:
    import time

    await eventually(lambda: lines[0].visits)
    time.sleep(0.2)  # noqa: ASYNC251 - holds the event loop up, as a process without CPU would
    await eventually(lambda: drain.worst_lateness > 0.05)
