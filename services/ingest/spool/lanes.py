import logging
import zlib
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

_LOG = logging.getLogger(__name__)

Job = Callable[[], None]


class WriterLanes:
    """A fixed number of threads, each with its own queue. What belongs to one camera stays on one of them and keeps its order."""

    def __init__(self, threads: int) -> None:
        self._queues: list[SimpleQueue[Job | None]] = [SimpleQueue() for _ in range(threads)]
        self._threads = [Thread(target=_run, args=(queue,), name=f"spool-{number}", daemon=True) for number, queue in enumerate(self._queues)]
        self.failures = 0
        for thread in self._threads:
            thread.start()

    def put(self, camera: str, job: Job) -> None:
        self._queues[zlib.crc32(camera.encode()) % len(self._queues)].put(job)

    def close(self, timeout_s: float) -> bool:
        """Everything put before is done first, unless the disk hangs longer than the timeout: then False."""
        for queue in self._queues:
            queue.put(None)
        for thread in self._threads:
            thread.join(timeout_s)
        return not any(thread.is_alive() for thread in self._threads)


def _run(queue: "SimpleQueue[Job | None]") -> None:
    while (job := queue.get()) is not None:
        try:
            job()
        except Exception:  # noqa: BLE001 - the outer edge of a thread that serves many cameras
            _LOG.exception("a write to the spool failed in a way that was not foreseen")
        del job                                              # holds a GOP
