"""Which processes one machine has, and what makes several of ingest different ones."""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.standalone.child import Child
from services.standalone.platform import Platform
from services.standalone.settings import StandaloneSettings

OWN = ("VONGLAU_RUN_DIR", "VONGLAU_SPOOL_DIR", "VONGLAU_NODE")


@pytest.fixture
async def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Platform]:
    """With two ingest processes; what would be processes is only named."""
    for name in OWN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Child, "run", lambda _: asyncio.sleep(0))
    named = Platform(StandaloneSettings(data=tmp_path, simulated_cameras=0, ingest_processes=2), print)
    named.start()
    yield named
    await named.stop()


async def test_two_ingest_processes_are_the_same_program_and_every_other_service_is_one(platform: Platform) -> None:
    programs = {name: child.program.argv[-1] for name, child in platform.children.items() if name != "nats"}
    assert programs == {
        "registry": "services.registry", "recording": "services.recording", "retention": "services.recording.retention_job",
        "ingest": "services.ingest", "ingest-1": "services.ingest",
    }


async def test_each_ingest_process_has_its_own_node_spool_and_address_and_they_share_the_log(platform: Platform) -> None:
    first, second = (platform.children[name].program.environment for name in ("ingest", "ingest-1"))
    assert [name for name in OWN if first.get(name) == second.get(name)] == []
    assert first["VONGLAU_NATS_URL"] == second["VONGLAU_NATS_URL"]


async def test_others_find_the_first_ingest_process(platform: Platform) -> None:
    looked_up = {platform.children[name].program.environment["VONGLAU_RUN_DIR"] for name in ("registry", "recording", "ingest")}
    assert looked_up == {str(platform.settings.run_dir)}
