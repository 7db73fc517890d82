"""Faults drawn by chance: each meets whatever is under way, and is got over before the next."""
from __future__ import annotations

import logging
import random
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime

from tests.e2e.platform import Platform, until

logger = logging.getLogger(__name__)


def struck(
    platform: Platform, cameras: int, rounds: int, strike: Callable[[Platform, random.Random], str], *, pause_s: float, recorded_s: float
) -> str:
    """The instant before the first fault, as the command line reads it.

    strike: one fault; says what it did. pause_s: the most before a fault. recorded_s: the most until all cameras are recorded, again too.
    """
    seed = secrets.randbits(32)
    chance = random.Random(seed)  # which faults, in which order
    logger.warning("seed %d", seed)
    until(lambda: platform.all_recording(cameras), recorded_s, "all cameras recorded")
    began = datetime.now(UTC).isoformat(timespec="milliseconds")
    for turn in range(rounds):
        time.sleep(chance.uniform(0, pause_s))
        logger.warning("%d: %s", turn, strike(platform, chance))
        until(lambda: platform.all_recording(cameras), recorded_s, "all recorded again")
    return began
