"""What the slots of a pool carry and what its members can: what a placement is made of. Pure."""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from services.ingest.claims import Started
from services.ingest.pools.member import Member
from services.ingest.pools.placement import NONE, Candidate, Load
from services.ingest.pools.table import Holders
from services.ingest.roster import Listed
from services.ingest.slots import slot_of
from vonglau.ingest.v1.service_pb2 import Pool

CAMERAS, BITRATE_BPS = 200, 800_000_000  # of a member that nothing else is said of: a core and 1 GiB
USUAL_BITRATE_BPS = 4_000_000  # of a camera of which nothing is declared


def candidate(member: Member, pool: Pool) -> Candidate:
    cameras, bitrate = pool.capacity.cameras or CAMERAS, pool.capacity.bitrate_bps or BITRATE_BPS
    return Candidate(member.node, Load(min(cameras, member.most), bitrate), member.is_leaving)


def loads(cameras: Iterable[Listed]) -> dict[int, Load]:
    """By slot."""
    found: dict[int, Load] = {}
    for listed in cameras:
        slot = slot_of(listed.camera)
        found[slot] = found.get(slot, NONE).plus(Load(1, listed.bitrate_bps or USUAL_BITRATE_BPS))
    return found


def recorded(cameras: Iterable[Listed], started: Mapping[str, Started], holders: Holders) -> Counter[int]:
    """By slot, the cameras that are recorded by whom the table says."""
    slots = ((slot_of(listed.camera), started.get(listed.camera)) for listed in cameras)
    return Counter(slot for slot, start in slots if start is not None and start.node == holders[slot])
