"""One platform for all tests of a module; where a test fails, its processes tell their side."""
from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import pytest

from tests.e2e.platform import Platform, running

LAST_LINES = 8  # of each process


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running(tmp_path_factory.mktemp("platform") / "data", {"VONGLAU_SEGMENT_S": "3", "VONGLAU_SIMULATED_CAMERAS": "4"}) as started:
        yield started


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    platform: Any = getattr(item, "funcargs", {}).get("platform")
    if report.failed and isinstance(platform, Platform):
        for log in (platform.data / "supervisor.log", *sorted((platform.data / "log").glob("*.log"))):
            report.sections.append((log.name, "\n".join(log.read_text(errors="replace").splitlines()[-LAST_LINES:])))
    return report
