"""One store per adapter; the contract runs on each."""
from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from vonglau.footage import FolderFootage, Footage

BUCKET = "police-footage"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "footage"


@pytest.fixture(params=["folder"])
async def store(root: Path) -> AsyncIterator[Footage]:
    footage = FolderFootage(root, threads=2)
    await footage.ensure_bucket(BUCKET)
    yield footage
    await footage.close()
