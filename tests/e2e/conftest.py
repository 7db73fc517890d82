"""One platform for all tests of a module."""
from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.e2e.platform import ENDS_WITHIN_S, Platform


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    started = Platform(tmp_path_factory.mktemp("platform") / "data", {"VONGLAU_SEGMENT_S": "3", "VONGLAU_SIMULATED_CAMERAS": "4"})
    started.start()
    try:
        yield started
    finally:
        if started.process is not None and started.process.poll() is None:
            started.process.send_signal(signal.SIGTERM)
            started.process.wait(ENDS_WITHIN_S)
