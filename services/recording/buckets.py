"""Makes an owner's bucket once the owner is registered: ingest may put into it, and not make it."""
from __future__ import annotations

from vonglau.broker.topology import ES_REGISTRY
from vonglau.eventlog import Recorded
from vonglau.footage import Footage, footage_bucket
from vonglau.registry.v1.events_pb2 import OwnerRegistered
from vonglau.subscription import Source, Subscription


class Buckets:
    def __init__(self, footage: Footage) -> None:
        self._footage = footage

    @property
    def subscription(self) -> Subscription:
        return Subscription("recording_buckets", Source(ES_REGISTRY, ("es.registry.owner.*",)), self.handle)

    async def handle(self, event: Recorded) -> None:
        """Raises: Unavailable; then the owner waits and is tried again by itself."""
        registered = event.message()
        if isinstance(registered, OwnerRegistered):
            await self._footage.ensure_bucket(footage_bucket(registered.owner))
