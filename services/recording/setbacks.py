"""What a job cannot do for one camera's day and goes on without: the other cameras do not wait for it, and it is told at the end."""
from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from services.recording.days import day_name
from vonglau.errors import Damaged
from vonglau.telemetry import count, names

log = logging.getLogger(__name__)


class Setbacks:
    """Of one run."""

    def __init__(self) -> None:
        self._all: list[Damaged] = []

    @contextmanager
    def set_aside(self, camera: str, day: int) -> Iterator[None]:
        try:
            yield
        except Damaged as damaged:
            log.error("%s on %s is set aside: %s", camera, day_name(day), damaged.message)
            count(names.FINDINGS, 1, {names.ERROR_TYPE: damaged.reason})
            self._all.append(damaged)

    def tell(self) -> None:
        """Raises: Damaged, with the first, where anything was set aside: the run counts as failed, and is tried again."""
        if self._all:
            raise Damaged(self._all[0].reason, f"{len(self._all)} camera days are set aside, the first: {self._all[0].message}")
