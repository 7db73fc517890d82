"""Keeps `access_state`, the local copy of rights that every process watches, in step with what happened here.

Each value carries the sequence of the event that it stands for, so a replay changes nothing.
"""
from __future__ import annotations

from typing import Any

from services.registry.camera import CAMERA, camera_stream
from services.registry.owner import OWNER, owner_stream
from vonglau.access import CameraEntry, OwnerEntry, camera_key, owner_key, publish
from vonglau.broker import KeyValue
from vonglau.documents import Documents
from vonglau.errors import LostRace, RetryLater, Unavailable
from vonglau.eventlog import EventLog, Recorded
from vonglau.registry.v1.events_pb2 import (
    AdministratorBound,
    AdministratorUnbound,
    CameraChanged,
    CameraClass,
    CameraRegistered,
    OwnerRegistered,
)
from vonglau.subscription import Source, Subscription

NAME = "registry_access_state"
SOURCE = Source("es_registry", ("es.registry.owner.*", "es.registry.camera.*"))


class AccessWriter:
    def __init__(self, kv: KeyValue, log: EventLog) -> None:
        self._kv = kv
        self._log = log

    @property
    def subscription(self) -> Subscription:
        return Subscription(NAME, SOURCE, self.handle)

    async def start_over_if_lost(self, documents: Documents) -> None:
        """A bucket without a single key was lost or is new: then everything is written from the first event on."""
        if await self._kv.get(">") is None:
            await documents.drop(NAME, [])

    async def handle(self, event: Recorded) -> None:
        """Raises: RetryLater."""
        try:
            match event.message():
                case OwnerRegistered() | AdministratorBound() | AdministratorUnbound() as change:
                    await self._owner(change.owner)
                case CameraRegistered() as registered:
                    await self._new_camera(registered, event.sequence)
                case CameraChanged() as changed if "camera_class" in changed.changed.paths:
                    await self._camera(changed.camera)
        except Unavailable as away:
            raise RetryLater(str(away), delay=away.retry_after) from away

    async def _owner(self, owner: str) -> None:
        """As the owner stands now, which may be further than the event."""
        history = await self._log.load(owner_stream(owner), OWNER)
        if history.state is not None:
            await publish(self._kv, owner_key(owner), OwnerEntry(history.state.administrators, history.sequence))

    async def _new_camera(self, registered: CameraRegistered, sequence: int) -> None:
        """Nearly always the key is new: one round trip, since an import brings thousands."""
        entry = CameraEntry(registered.owner, class_name(registered.details.camera_class), sequence)
        try:
            await self._kv.update(camera_key(registered.camera), entry.encode(), 0)
        except LostRace:
            await publish(self._kv, camera_key(registered.camera), entry)

    async def _camera(self, camera: str) -> None:
        history = await self._log.load(camera_stream(camera), CAMERA)
        if history.state is not None:
            entry = CameraEntry(history.state.owner, class_name(history.state.details.camera_class), history.sequence)
            await publish(self._kv, camera_key(camera), entry)


def class_name(camera_class: Any) -> str:
    return CameraClass.Name(camera_class).removeprefix("CAMERA_CLASS_").lower()
