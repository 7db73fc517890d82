"""One store per adapter; the contract runs on each."""
from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.backends.stores import Store, s3_url
from vonglau.footage import FolderFootage, Footage

BUCKET = "police-footage"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "footage"


@pytest.fixture
def s3() -> Iterator[Store]:
    store = Store(s3_url())
    yield store
    store.remove()


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.backends)])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Footage]:
    place = request.getfixturevalue("root" if request.param == "folder" else "s3")
    footage: Footage = place.footage(threads=4) if isinstance(place, Store) else FolderFootage(place, threads=2)
    await footage.ensure_bucket(BUCKET)
    yield footage
    await footage.close()
