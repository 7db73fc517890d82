"""The chain of hashes: each segment names the one before it, and the first of an epoch the newest that its writer knew of."""
from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field

from services.recording.entry import Entry
from services.recording.footage_index import FootageIndex
from services.recording.timeline import entries_of

Name = tuple[int, int]  # epoch, number
Loss = tuple[int, int, int]  # epoch, begin and end in ns of recorded time that was told to be lost
Digest = str  # base64, as in an entry


@dataclass(slots=True)
class Earlier:
    """The camera's segments: those given, older ones of the index, deleted ones of the archives; read as far back as somebody asks."""

    index: FootageIndex
    camera: str
    first_hour: int  # the given ones begin here
    archived: Callable[[str, int], AsyncIterator[tuple[int, Digest]]]  # owner, day: epoch and digest of each segment in that archive
    known: dict[Digest, int] = field(default_factory=dict)  # the lowest epoch
    _deleted: list[tuple[int, str]] | None = None  # days, with whose bucket, not read yet; the newest last

    def add(self, found: Iterable[tuple[int, Digest]]) -> None:
        for epoch, digest in found:
            self.known[digest] = min(epoch, self.known.get(digest, epoch))

    async def knows(self, digest: Digest, below: int) -> bool:
        """Whether an epoch below this one has the segment."""
        while self.known.get(digest, below) >= below:
            if not (await self._hour_before() or await self._deleted_day_before()):
                return False
        return True

    async def _hour_before(self) -> bool:
        hour = await self.index.last_live_before(self.camera, self.first_hour)
        if hour is None:
            return False
        self.first_hour = hour["hour"]
        self.add((entry.epoch, entry.sha256) for entry in entries_of([hour]))
        return True

    async def _deleted_day_before(self) -> bool:
        if self._deleted is None:
            self._deleted = sorted([(each["day"], each["owner"]) async for each in self.index.deletions(self.camera)])
        if not self._deleted:
            return False
        day, owner = self._deleted.pop()
        self.add([each async for each in self.archived(owner, day)])
        return True


@dataclass(slots=True)
class Chain:
    """Checks the link of each segment. Within an epoch only a segment that is known and not deleted can be compared."""

    earlier: Earlier
    gone: set[Name]  # deleted under a rule
    lost: Sequence[Loss] = ()
    last: Entry | None = None

    async def broken(self, entry: Entry) -> str:
        """What is wrong with the segment's link; "" where nothing is. Segments come in the order of epoch and number."""
        last, self.last = self.last, entry
        if last is None or entry.epoch != last.epoch:
            return "" if self._was_told(last.end if last else 0, entry, last_epoch=entry.epoch - 1) else await self._first(entry)
        if entry.number == last.number + 1:
            return "" if entry.previous == last.sha256 else f"does not name segment {last.epoch}-{last.number} as the one before it"
        if self._was_told(last.end, entry, last_epoch=entry.epoch):
            return ""
        if any((entry.epoch, number) not in self.gone for number in range(last.number + 1, entry.number)):
            return f"segments {last.number + 1} to {entry.number - 1} of epoch {entry.epoch} are not known"
        return ""

    def _was_told(self, since: int, entry: Entry, last_epoch: int) -> bool:
        """Whether a segment between (ns) was recorded and given up, which its gap says: it cannot be compared."""
        return any(epoch <= last_epoch and begin < entry.start and end > since for epoch, begin, end in self.lost)

    async def _first(self, entry: Entry) -> str:
        """Its writer need not have known the last of the epoch before, nor any: facts age out. What it names must have been recorded."""
        if entry.number or not entry.previous or await self.earlier.knows(entry.previous, entry.epoch):
            return ""
        return "names as the one before it a segment that no earlier epoch has"


def text(digest: bytes) -> Digest:
    return b64encode(digest).decode()
