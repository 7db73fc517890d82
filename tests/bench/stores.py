"""Objects into the footage store, several at once, each through to the disk before it counts: into a folder, and into the S3 store of VONGLAU_TEST_S3."""
from __future__ import annotations

import asyncio
import hashlib
import os
import statistics
import tempfile
import time
from pathlib import Path

from tests.backends.stores import Store
from tests.bench.figures import Figure, spread
from vonglau.footage import FolderFootage, Footage

OBJECT_BYTES, OBJECTS, AT_ONCE, ROUNDS = 2 << 20, 80, 8, 3
BUCKET = "bench-footage"


async def filled(store: Footage, path: Path, sha256: bytes, turn: int) -> float:
    """Objects per second."""

    async def worker(first: int) -> None:
        for number in range(first, OBJECTS, AT_ONCE):
            await store.put_file(BUCKET, f"cam-{first}/{turn}/{number}.mp4", path, sha256=sha256, size=OBJECT_BYTES, metadata={"camera": f"cam-{first}"})

    start = time.perf_counter()
    await asyncio.gather(*(worker(first) for first in range(AT_ONCE)))
    return OBJECTS / (time.perf_counter() - start)


async def measured(store: Footage, path: Path, sha256: bytes, where: str) -> Figure:
    await store.ensure_bucket(BUCKET)
    rates = [await filled(store, path, sha256, turn) for turn in range(ROUNDS)]
    await store.close()
    return Figure(f"puts of 2 MiB, {AT_ONCE} at once, into {where}", statistics.median(rates), "puts/s", spread(rates))


async def main() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder, body = Path(name), os.urandom(OBJECT_BYTES)
        path, sha256 = folder / "segment.mp4", hashlib.sha256(body).digest()
        path.write_bytes(body)
        figures = [await measured(FolderFootage(folder / "footage", threads=AT_ONCE), path, sha256, "a folder (hard link, fsync)")]
        if url := os.environ.get("VONGLAU_TEST_S3"):
            store = Store(url)
            figures.append(await measured(store.footage(threads=AT_ONCE), path, sha256, "the S3 store of VONGLAU_TEST_S3"))
            store.remove()
    return figures
