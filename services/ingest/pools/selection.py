"""Which pool has a camera. Pure."""
from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from services.ingest.roster import Listed
from vonglau.ingest.v1.service_pb2 import Pool, PoolSelector


class Where(NamedTuple):
    """All that a selector looks at."""

    owner: str
    site: str
    zone: str


class Chosen(NamedTuple):
    pool: str  # empty: none selects it
    others: tuple[str, ...]  # that select it too, and don't have it


def selects(selector: PoolSelector, where: Where) -> bool:
    """Each list that is not empty has to name the camera's value."""
    return all(not wanted or value in wanted for wanted, value in zip((selector.owners, selector.sites, selector.zones), where, strict=True))


class Selection:
    """The pools as they are declared at one moment. The one whose name sorts first has a camera that several select."""

    def __init__(self, pools: Mapping[str, Pool]) -> None:
        self.pools = dict(sorted(pools.items()))
        self._known: dict[Where, Chosen] = {}

    def of(self, listed: Listed) -> Chosen:
        where = Where(listed.owner, listed.site, listed.zone)
        if where not in self._known:
            first, *others = [name for name, pool in self.pools.items() if selects(pool.selector, where)] or [""]
            self._known[where] = Chosen(first, tuple(others))
        return self._known[where]
