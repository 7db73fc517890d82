from collections.abc import Callable

from services.ingest.causes import Cause, Interruption, InterruptionBegun, InterruptionEnded

DETAIL_MOST = 300                                            # characters; a camera's own words may be in it


class OpenInterruption:
    """Keeps the interruptions of one camera apart: at most one lasts, each is reported when it begins and again when it ends."""

    def __init__(self, camera: str, report: Callable[[Interruption], None]) -> None:
        self._camera = camera
        self._report = report
        self.cause: Cause | None = None                      # None: nothing interrupts
        self.begun_ns = 0
        self.detail = ""
        self.count = 0

    def begin(self, cause: Cause, at_ns: int, now_ns: int, detail: str = "") -> None:
        """`at_ns` counts if nothing interrupted so far; otherwise another cause takes over as of now."""
        self.detail = detail = detail[:DETAIL_MOST]
        if cause is self.cause:
            return
        if self.cause is not None:
            at_ns = max(now_ns, self.begun_ns)
            self.end(at_ns)
        self.cause, self.begun_ns = cause, at_ns
        self.count += 1
        self._report(InterruptionBegun(self._camera, cause, at_ns, detail))

    def end(self, at_ns: int) -> None:
        if self.cause is not None:
            cause, self.cause = self.cause, None
            self._report(InterruptionEnded(self._camera, cause, self.begun_ns, max(at_ns, self.begun_ns)))
