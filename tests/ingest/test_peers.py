"""Which other process is asked about a camera."""
from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.ingest.claims import Started
from services.ingest.peers import Peers
from services.ingest.pools import Member
from services.ingest.slots import SLOTS
from vonglau.errors import Unavailable
from vonglau.rpc import Identity

CAMERA = "cam-1"


class City:
    """This process is north/ingest-0; every slot of its pool is given to one member."""

    def __init__(self, pool: str = "north", holder: str = "ingest-1", **live: tuple[str, ...]) -> None:
        """pool: the camera's. live: the nodes of each pool."""
        self.pool, self.started = pool, dict[str, Started]()
        self.live = {name: {node: Member(name, node, f"{name}-{node}:7070", 200) for node in nodes} for name, nodes in live.items()}
        members = SimpleNamespace(of=self.of, live=lambda: self.live.get("north", {}))
        assignment = SimpleNamespace(pool="north", census=SimpleNamespace(pool_of=lambda camera: self.pool), table=SimpleNamespace(holders=[holder] * SLOTS))
        station = SimpleNamespace(rivals=SimpleNamespace(started=self.started), assignment=assignment)
        self.peers = Peers(cast(Identity, None), cast(Any, members), cast(Any, station), "ingest-0")

    async def of(self, pool: str) -> dict[str, Member]:
        if pool not in self.live:
            raise Unavailable("LOG_UNAVAILABLE", f"who is in the pool {pool} can't be read just now")
        return self.live[pool]

    def start(self, pool: str, node: str, before: tuple[str, str] = ("", "")) -> None:
        self.started[CAMERA] = Started(CAMERA, 7, pool, node, before)

    async def holder(self) -> str:
        found = await self.peers.holder(CAMERA)
        return f"{found.pool}/{found.node}" if found else ""


async def test_whoever_started_a_camera_last_records_it_whatever_the_table_says() -> None:
    city = City(holder="ingest-1", north=("ingest-0", "ingest-1", "ingest-2"))
    city.start("north", "ingest-2")
    assert await city.holder() == "north/ingest-2"


async def test_a_camera_that_nobody_has_started_is_asked_for_where_the_table_has_it() -> None:
    assert await City(holder="ingest-1", north=("ingest-0", "ingest-1")).holder() == "north/ingest-1"
    assert await City(holder="ingest-0", north=("ingest-0", "ingest-1")).holder() == "", "it is about to be recorded here"
    assert await City(holder="ingest-9", north=("ingest-0", "ingest-1")).holder() == ""


@pytest.mark.parametrize("node", ["ingest-2", "ingest-0"], ids=["dead", "this process"])
async def test_where_the_last_start_is_over_the_table_says_who_is_next(node: str) -> None:
    city = City(holder="ingest-1", north=("ingest-0", "ingest-1"))
    city.start("north", node)
    assert await city.holder() == "north/ingest-1"


async def test_a_camera_of_another_pool_is_where_it_was_started() -> None:
    city = City(pool="south", holder="ingest-1", north=("ingest-0", "ingest-1"), south=("ingest-0",))
    assert await city.holder() == "", "the own table says nothing of it"
    city.start("south", "ingest-0")
    assert await city.holder() == "south/ingest-0"


async def test_cameras_are_asked_for_together_and_what_cannot_be_told_is_left_out() -> None:
    city = City(holder="ingest-1", north=("ingest-0", "ingest-1"))
    assert [(member.node, cameras) for member, cameras in await city.peers.holders(["cam-2", "cam-3"])] == [("ingest-1", ["cam-2", "cam-3"])]
    city.start("south", "ingest-5")
    assert [cameras for _, cameras in await city.peers.holders(["cam-2", CAMERA])] == [["cam-2"]]


async def test_what_is_not_stored_may_lie_with_who_records_a_camera_and_with_who_did_before() -> None:
    city = City(north=("ingest-0", "ingest-1"), south=("ingest-0",))
    assert await city.peers.spools(CAMERA) == []
    city.start("north", "ingest-1", before=("south", "ingest-0"))
    assert [member.key for member in await city.peers.spools(CAMERA)] == ["member.north.ingest-1", "member.south.ingest-0"]
    city.start("north", "ingest-0", before=("north", "ingest-9"))
    assert await city.peers.spools(CAMERA) == [], "neither oneself nor the dead are asked"


async def test_while_it_cannot_be_told_who_is_there_nobody_says_that_nothing_waits() -> None:
    city = City(north=("ingest-0",))
    city.start("south", "ingest-0")
    with pytest.raises(Unavailable):
        await city.peers.spools(CAMERA)
