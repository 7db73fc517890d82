"""`python -m vonglau.broker.reconcile`: declares every stream and bucket on a cluster, and says what it did. As often as one likes.

What a cluster cannot take (a setting that a present stream keeps, replicas without servers for them) ends it with 1 and the server's own words;
nothing that was declared before is undone by that.
"""
from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from nats.errors import Error
from nats.js.errors import APIError

from vonglau.broker.connection import Login, connect
from vonglau.broker.permissions import JOB
from vonglau.broker.topology import ensure
from vonglau.broker.version import must_be_new_enough
from vonglau.errors import Refused
from vonglau.settings import STREAMS_GB, Misconfigured, load, setting

FAILED, MISCONFIGURED = 1, 2


@dataclass(frozen=True, kw_only=True)
class ReconcileSettings:
    """Of the job."""

    nats_url: str = setting("nats://127.0.0.1:4222", unit="URLs, by comma", why="of the cluster")
    nats_seed_file: Path | None = setting(None, unit="file, mode 0600", why="the job's seed of nkeys; unset: the server admits anybody")
    nats_ca_file: Path | None = setting(None, unit="PEM file", why="authorities of a server with TLS; unset: those of the system")
    stream_replicas: int = setting(3, unit="servers", why="3 bear the loss of one; 1 where there is one server", at_least=1)
    stream_tags: tuple[str, ...] = setting((), unit="server tags, by comma", why="servers that sync always hold the streams; empty: any")
    streams_gb: float = setting(STREAMS_GB, unit="10⁹ bytes", why="what all streams may hold on a server, below its max_file_store", at_least=0.05)
    within_s: float = setting(60.0, unit="s", why="for the connection; then a new try of the job is better", at_least=1)


async def reconcile(settings: ReconcileSettings) -> int:
    """The exit code."""
    login = Login(JOB, settings.nats_seed_file, settings.nats_ca_file)
    try:
        async with connect(settings.nats_url, name=JOB, within=settings.within_s, login=login) as broker:
            must_be_new_enough(broker.nc)
            for stream, outcome in (await ensure(broker, settings.stream_replicas, settings.stream_tags, settings.streams_gb)).items():
                sys.stdout.write(f"{stream}: {outcome.value}\n")
    except TimeoutError:
        sys.stderr.write(f"no answer from {settings.nats_url} within {settings.within_s:g} s; is the address right, and is the seed's key admitted?\n")
        return FAILED
    except Refused as error:
        sys.stderr.write(f"{error.message}\n")
        return FAILED
    except APIError as error:
        sys.stderr.write(f"the cluster refuses: {error.description or error} ({error.err_code})\n")
        return FAILED
    except Error as error:
        sys.stderr.write(f"the cluster does not answer: {error}\n")
        return FAILED
    return 0


def main() -> int:
    try:
        settings = load(ReconcileSettings, os.environ)
    except Misconfigured as wrong:
        sys.stderr.write("".join(f"{problem}\n" for problem in wrong.problems))
        return MISCONFIGURED
    return asyncio.run(reconcile(settings))


if __name__ == "__main__":
    sys.exit(main())
