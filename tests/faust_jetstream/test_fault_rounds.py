"""Rounds of drawn faults: every fault on one server and on three, under both guarantees, each followed by another drawn one.

A round is played again by its seed: ``FAUST_JETSTREAM_SEED=… pytest -m long -k 'round_7]'``. FAUST_JETSTREAM_ROUNDS says how many there are.
"""

import itertools
import os
import random
from pathlib import Path

import pytest

from tests.faust_jetstream.faults import FAULTS, Round

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(300), pytest.mark.usefixtures("reconnects")]

SEED = os.environ.get("FAUST_JETSTREAM_SEED") or str(random.SystemRandom().randrange(10**9))
EVERY = list(itertools.product(sorted(FAULTS), (1, 3), ("exactly_once", "at_least_once")))
ROUNDS = int(os.environ.get("FAUST_JETSTREAM_ROUNDS", len(EVERY)))
QUICK = ("worker_killed", "server_killed")


async def played(round_: Round, count: int, rate: float, called: str) -> None:
    print(f"seed {SEED} {called}: {round_}")  # noqa: T201  shown when the round fails
    round_.servers.start()
    try:
        await round_.play(count, rate)
    finally:
        await round_.scene.end()
        round_.servers.stop()


@pytest.mark.long
@pytest.mark.parametrize("number", range(ROUNDS), ids=lambda number: f"round_{number}")
async def test_whatever_breaks_every_event_counts(tmp_path: Path, number: int) -> None:
    shuffled = random.Random(SEED).sample(EVERY, len(EVERY))
    draw = random.Random(f"{SEED}/{number}")
    await played(Round(draw, tmp_path, shuffled[number % len(EVERY)], draw.choice(sorted(FAULTS))), 2500, 250.0, f"round {number}")


@pytest.mark.parametrize("guarantee", ["exactly_once", "at_least_once"])
async def test_what_breaks_every_day_costs_no_event(tmp_path: Path, guarantee: str) -> None:
    draw = random.Random(f"{SEED}/{guarantee}")
    await played(Round(draw, tmp_path, (draw.choice(QUICK), 1, guarantee)), 600, 300.0, guarantee)
