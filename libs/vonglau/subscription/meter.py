"""What a running subscription tells about itself; telemetry listens."""
from __future__ import annotations

from typing import Protocol


class Meter(Protocol):
    def progressed(self, projection: str, log: str, *, events: int, pending: int, age_s: float) -> None:
        """A batch is committed; pending as the server counts; age of the batch's last event."""

    def parked(self, projection: str, keys: int) -> None:
        """So many keys are parked now."""

    def interrupted(self, projection: str, reason: str) -> None:
        """It has to begin again at its checkpoint, or stands still."""

    def missed(self, projection: str, log: str) -> None:
        """Events behind the checkpoint have aged out of the log; whether it would have read any is not known."""


class Silent:
    """Tells nobody."""

    def progressed(self, projection: str, log: str, *, events: int, pending: int, age_s: float) -> None: ...

    def parked(self, projection: str, keys: int) -> None: ...

    def interrupted(self, projection: str, reason: str) -> None: ...

    def missed(self, projection: str, log: str) -> None: ...
