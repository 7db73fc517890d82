"""The documents of recording as its queries and jobs read them."""
from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

from services.recording.camera_hour import CameraHours, hour_id
from services.recording.cameras import Cameras
from services.recording.days import HOUR_NS, hours_between
from services.recording.deletion import Deletions
from services.recording.recorded_camera import EPOCHS, RecordedCameras
from vonglau.documents import Condition, Document, Documents, cursor

PAGE = 200
TOGETHER = 8  # cameras that are read by one question, where many are looked at


@dataclass(frozen=True, slots=True)
class Indexed:
    """What the documents say of one camera and a range of time."""

    name: str
    camera: Document | None  # of the registry's events
    recorded: Document | None
    hours: list[Document]  # in order; those of which nothing is known are left out

    def may_be_recorded_before(self, hour: int) -> bool:
        """False: the first of its epochs began later. Who knows nothing, or not of all epochs, asks."""
        epochs = self.recorded["epochs"] if self.recorded else {}
        return not 0 < len(epochs) < EPOCHS or any(row["seen"] // HOUR_NS < hour for row in epochs.values())


class FootageIndex:
    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def hours(self, camera: str, start_ns: int, end_ns: int) -> list[Document]:
        """In order; hours of which nothing is known are left out."""
        return await self.hours_of(camera, hours_between(start_ns, end_ns))

    async def hours_of(self, camera: str, hours: Iterable[int]) -> list[Document]:
        found = await self._documents.get_many(CameraHours.collection, [hour_id(camera, hour) for hour in hours])
        return sorted(found.values(), key=lambda each: int(each["hour"]))

    async def indexed(self, wanted: Sequence[tuple[str, int]], end_ns: int) -> list[Indexed]:
        """Each camera from its own time on (ns), in that order, by three questions for all of them."""
        names = [camera for camera, _ in wanted]
        hours = {camera: [hour_id(camera, hour) for hour in hours_between(start_ns, end_ns)] for camera, start_ns in wanted}
        recorded = await self._documents.get_many(RecordedCameras.collection, names)
        found = await self._documents.get_many(CameraHours.collection, [each for ids in hours.values() for each in ids])
        described = await self._documents.get_many(Cameras.collection, names)
        return [Indexed(name, described.get(name), recorded.get(name), [found[each] for each in hours[name] if each in found]) for name in names]

    async def last_live_before(self, camera: str, hour: int) -> Document | None:
        """The newest hour before this one that still has footage."""
        return await self._live(camera, Condition("live_hour", "<", hour), descending=True)

    async def first_live_after(self, camera: str, hour: int) -> Document | None:
        return await self._live(camera, Condition("live_hour", ">", hour), descending=False)

    async def _live(self, camera: str, condition: Condition, *, descending: bool) -> Document | None:
        where = (Condition("camera", "=", camera), condition)
        found = await self._documents.find(CameraHours.collection, *where, order="live_hour", descending=descending, limit=1)
        return found[0] if found else None

    async def live_hours(self, camera: str, first: int, last: int) -> AsyncIterator[Document]:
        """Hours with footage from `first` up to and including `last`, in order."""
        where = (Condition("camera", "=", camera), Condition("live_hour", ">=", first), Condition("live_hour", "<=", last))
        after = ""
        while page := await self._documents.find(CameraHours.collection, *where, order="live_hour", after=after, limit=24):
            for document in page:
                yield document
            after = cursor(page[-1], "live_hour")

    async def recorded(self, camera: str) -> Document | None:
        return await self._documents.get(RecordedCameras.collection, camera)

    async def camera(self, camera: str) -> Document | None:
        return await self._documents.get(Cameras.collection, camera)

    async def registered(self, owners: Iterable[str] | None, after: str = "", limit: int = PAGE) -> list[Document]:
        """Camera documents of these owners (None: of all) behind the camera `after`."""
        where = [Condition("_id", ">", after)] if after else []
        if owners is not None:
            where.append(Condition("owner", "in", sorted(owners)))
        return await self._documents.find(Cameras.collection, *where, limit=limit)

    async def registered_to(self, owners: Iterable[str] | None) -> AsyncIterator[str]:
        after = ""
        while page := await self.registered(owners, after):
            for document in page:
                yield document["_id"]
            after = page[-1]["_id"]

    async def cameras(self) -> AsyncIterator[str]:
        """Every camera of which anything was ever recorded."""
        async for page in self.cameras_together(PAGE):
            for camera in page:
                yield camera

    async def cameras_together(self, count: int) -> AsyncIterator[list[str]]:
        """The same, so many at a time."""
        after = ""
        while page := await self._documents.find(RecordedCameras.collection, after=after, limit=count):
            yield [document["_id"] for document in page]
            after = cursor(page[-1])

    async def unconfirmed_deletions(self) -> list[Document]:
        """Deletions that were intended and whose end nobody has told, at most a page."""
        return await self._documents.find(Deletions.collection, Condition("confirmed", "=", False), limit=PAGE)

    async def deletions(self, camera: str) -> AsyncIterator[Document]:
        after = ""
        while page := await self._documents.find(Deletions.collection, Condition("camera", "=", camera), order="day", after=after, limit=PAGE):
            for document in page:
                yield document
            after = cursor(page[-1], "day")
