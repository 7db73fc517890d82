"""What a pool has to record and who does: the answer to GetDemand. Pure."""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from services.ingest.claims import Started
from services.ingest.pools.census import Census
from services.ingest.pools.member import Member
from services.ingest.pools.table import SlotTable
from services.ingest.pools.weighing import loads
from services.ingest.slots import slot_of
from vonglau.ingest.v1.service_pb2 import Demand, MemberDemand


def demand(pool: str, census: Census, table: SlotTable, members: Iterable[Member], started: Mapping[str, Started]) -> Demand:
    """pool: a declared one."""
    live = {member.node: member for member in members}
    cameras = list(census.cameras(pool))
    carried = loads(cameras)
    by_holder = Counter(table.holders[slot_of(listed.camera)] for listed in cameras)
    slots = Counter(table.holders[slot] for slot in carried)
    recording = min(len(cameras), sum(member.report.recording for member in live.values()))
    withheld = sum(member.report.withheld for member in live.values())
    return Demand(
        pool=pool,
        generation=census.selection.pools[pool].generation,
        cameras=len(cameras),
        bitrate_bps=bitrate(sum(load.bitrate_bps for load in carried.values()), live.values(), len(cameras), recording),
        recording=recording,
        unassigned=withheld + sum(number for holder, number in by_holder.items() if holder not in live),
        moving_slots=len({
            slot_of(listed.camera) for listed in cameras
            if (start := started.get(listed.camera)) is not None and start.node in live and start.node != table.holders[slot_of(listed.camera)]
        }),
        members=[described(member, slots[node], by_holder[node]) for node, member in sorted(live.items())],
        overlapping_pools=sorted(census.overlapped_by(pool)),
        overlapping_cameras=census.overlapping(pool),
        unselected_cameras=census.unselected,
    )


def bitrate(expected: int, members: Iterable[Member], cameras: int, recording: int) -> int:
    """Bit/s: measured of those that are recorded, expected of the rest. expected: of all cameras, as declared or usual."""
    rest = expected * (cameras - recording) // cameras if cameras else 0
    return rest + sum(member.report.bitrate_bps for member in members)


def described(member: Member, slots: int, cameras: int) -> MemberDemand:
    """slots: that carry cameras."""
    return MemberDemand(
        name=member.node,
        slots=slots,
        cameras=cameras,
        bitrate_bps=member.report.bitrate_bps,
        leaving=member.is_leaving,
        spool_bytes=member.report.spool_bytes,
    )
