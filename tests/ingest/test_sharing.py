"""One process among those that share the cameras: how it leaves, what it says of itself, which pools it knows."""
from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.ingest import sharing as module
from services.ingest.pools import Assignment, Member, Report
from services.ingest.roster import Roster
from services.ingest.session import State
from services.ingest.sharing import Sharing
from services.ingest.standing import FRESH_NS, standing
from services.ingest.station import OffAir
from vonglau.errors import NotFound, Unavailable
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_QUOTA_EXCEEDED, GAP_CAUSE_UNAUTHORISED, GapCause, InterruptionObserved
from vonglau.testing.clock import SettableClock
from vonglau.testing.waiting import eventually

PEER = Member("default", "ingest-1", "10.0.0.1:7070", 200)


class Members:
    """Says what the process says, and who else is there."""

    def __init__(self, *peers: Member) -> None:
        self.peers, self.said, self.is_away, self.hangs = list(peers), list[str](), False, False

    async def leave(self) -> None:
        await self._say("leaving")

    async def gone(self) -> None:
        await self._say("gone")

    async def _say(self, what: str) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.is_away:
            raise Unavailable("LOG_UNAVAILABLE", "the event log is away")
        self.said.append(what)


def sharing(members: Members, *on_air: str) -> tuple[Sharing, dict[str, Any]]:
    """And its cameras on air."""
    recorded: dict[str, Any] = dict.fromkeys(on_air)
    station = SimpleNamespace(assignment=Assignment("default", "ingest-0", Roster()), rivals=SimpleNamespace(started={}), on_air=recorded)
    settings = SimpleNamespace(pool="default", node="ingest-0", max_cameras=10, moves_at_once=50)
    made = Sharing(cast(Any, None), cast(Any, settings), cast(Any, station), cast(Any, None))
    made.members = cast(Any, members)
    return made, recorded


@pytest.mark.parametrize("peers", [[], [replace(PEER, is_leaving=True)]], ids=["alone", "all leave"])
async def test_where_nobody_stays_nothing_is_handed_over(peers: list[Member]) -> None:
    members = Members(*peers)
    await sharing(members, "cam-1")[0].hand_over(within=60)
    assert members.said == []


async def test_who_leaves_says_so_and_stays_until_others_have_its_cameras(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_S", 0.01)
    members = Members(PEER, replace(PEER, is_leaving=True))
    process, on_air = sharing(members, "cam-1", "cam-2")
    leaving = asyncio.create_task(process.hand_over(within=60))
    await eventually(lambda: members.said == ["leaving"])
    on_air.pop("cam-1")
    await asyncio.sleep(0.03)
    assert not leaving.done()
    on_air.clear()
    await leaving


async def test_cameras_that_nobody_takes_delay_an_end_no_longer_than_they_may() -> None:
    process, on_air = sharing(Members(PEER), "cam-1")
    await asyncio.wait_for(process.hand_over(within=0.05), 20)
    assert on_air


@pytest.mark.parametrize("trouble", ["is_away", "hangs"])
async def test_a_log_that_does_not_answer_is_no_obstacle_to_an_end(monkeypatch: pytest.MonkeyPatch, trouble: str) -> None:
    monkeypatch.setattr(module, "GOODBYE_S", 0.05)
    members = Members(PEER)
    setattr(members, trouble, True)
    process, _ = sharing(members, "cam-1")
    await asyncio.wait_for(process.hand_over(within=0.05), 20)
    await asyncio.wait_for(process.goodbye(), 20)


async def test_a_pool_that_nobody_declared_has_no_demand() -> None:
    with pytest.raises(NotFound):
        await sharing(Members())[0].demand("south")


def session(state: State, recorded_until_ns: int | None, bitrate: int = 4_000_000) -> Any:
    status = SimpleNamespace(state=state, recorded_until_ns=recorded_until_ns, bitrate=bitrate)
    return SimpleNamespace(session=SimpleNamespace(status=lambda: status))


def test_a_process_counts_as_recorded_what_has_media_of_late_and_as_withheld_what_it_has_no_room_for() -> None:
    clock = SettableClock()
    now_ns = clock.now_ns()

    def off(cause: GapCause) -> OffAir:
        return OffAir("why", InterruptionObserved(cause=cause))

    station = SimpleNamespace(
        plane=SimpleNamespace(clock=clock),
        on_air={
            "cam-1": session(State.RECORDING, now_ns - 1),
            "cam-2": session(State.INTERRUPTED, now_ns - FRESH_NS + 1),
            "cam-3": session(State.INTERRUPTED, now_ns - FRESH_NS),
            "cam-4": session(State.CONNECTING, None),
        },
        off_air={"cam-5": off(GAP_CAUSE_QUOTA_EXCEEDED), "cam-6": off(GAP_CAUSE_UNAUTHORISED), "cam-7": OffAir("it waits")},
    )
    spool = SimpleNamespace(bounds=SimpleNamespace(used=77))
    assert standing(cast(Any, station), cast(Any, spool)) == Report(cameras=4, recording=2, withheld=1, bitrate_bps=4_000_000, spool_bytes=77)
