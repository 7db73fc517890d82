"""The operator's process beside its loop."""
from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from operators.ingest_fleet import __main__ as program
from operators.ingest_fleet.settings import FleetSettings
from tests.conftest import Exported
from vonglau.telemetry.names import TLS_LEFT
from vonglau.testing.certificates import Authority
from vonglau.testing.waiting import eventually

DAY_S = 86_400.0
NOBODY: dict[str, Any] = {
    "apiVersion": "v1", "kind": "Config", "current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}], "users": [{"name": "u", "user": {}}],
}  # fmt: skip


async def test_the_end_of_its_certificate_is_measured_while_the_api_server_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exported: Exported
) -> None:
    async def watch(_wake: Any, _settings: FleetSettings, stop: asyncio.Event) -> None:
        await stop.wait()

    monkeypatch.setattr(program, "watch", watch)  # Kopf would wait for the API server
    (config := tmp_path / "kubeconfig").write_text(yaml.safe_dump(NOBODY))
    folder = Authority(timedelta(days=400)).issue(tmp_path / "tls", "operator.city.vonglau", timedelta(days=90))
    stop = asyncio.Event()
    running = asyncio.create_task(program.main(FleetSettings(kubeconfig=config, tls_dir=folder), stop))
    await eventually(lambda: exported.points(TLS_LEFT.name), 10)
    assert exported.value(TLS_LEFT.name) == pytest.approx(90 * DAY_S, abs=120)
    stop.set()
    await running
