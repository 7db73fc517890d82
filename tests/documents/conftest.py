"""The adapters on which the contract of `vonglau.documents` runs."""
from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.backends.places import PLACES, Place
from vonglau.documents import Documents


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    made: Place = request.param(tmp_path)
    yield made
    made.remove()


@pytest.fixture
async def store(place: Place) -> AsyncIterator[Documents]:
    documents = place.open()
    await documents.prepare("things")
    yield documents
    await documents.close()
