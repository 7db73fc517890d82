from dataclasses import dataclass, field
from random import Random

from services.ingest.data_plane_settings import DataPlaneSettings
from services.ingest.rtsp.errors import StreamUnavailable, Unauthorised

_LONGEST_ASKED = 600.0                                       # s: a camera that asks for more is asked again all the same


@dataclass(slots=True)
class Backoff:
    """How long to wait before the next attempt: doubled from each to the next, with jitter, so that cameras that went together don't come back together."""

    settings: DataPlaneSettings
    random: Random = field(default_factory=Random)
    _attempts: int = 0

    def after(self, error: StreamUnavailable) -> float:
        """Seconds."""
        longest = min(self.settings.backoff_most_s, self.settings.backoff_first_s * (1 << min(self._attempts, 16)))
        self._attempts += 1
        delay = longest * self.random.uniform(0.5, 1.0)
        if isinstance(error, Unauthorised):
            delay = max(delay, self.settings.unauthorised_wait_s * self.random.uniform(1.0, 1.2))
        if error.retry_after is not None:
            delay = max(delay, min(error.retry_after, _LONGEST_ASKED))
        return delay

    def reset(self) -> None:
        self._attempts = 0
