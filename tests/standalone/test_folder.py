"""The data folder belongs to one platform at a time, and to its log."""
from __future__ import annotations

from pathlib import Path

import pytest

from services.standalone.folder import held, must_have_its_log
from vonglau.errors import Refused


def test_a_folder_is_held_by_one_platform_at_a_time(tmp_path: Path) -> None:
    with held(tmp_path), pytest.raises(Refused, match="runs on") as refusal, held(tmp_path):
        pass
    assert refusal.value.reason == "DATA_FOLDER_HELD"
    with held(tmp_path):
        pass


def test_footage_without_its_log_is_no_fresh_start(tmp_path: Path) -> None:
    (tmp_path / "footage" / "police-footage").mkdir(parents=True)
    (tmp_path / "nats").mkdir()
    with pytest.raises(Refused, match="restore") as refusal:
        must_have_its_log(tmp_path)
    assert refusal.value.reason == "LOG_MISSING"
    (tmp_path / "nats" / "jetstream").mkdir()
    must_have_its_log(tmp_path)


@pytest.mark.parametrize("made", [(), ("footage",), ("footage", "documents")])
def test_a_folder_that_holds_no_footage_needs_no_log_yet(tmp_path: Path, made: tuple[str, ...]) -> None:
    for name in made:
        (tmp_path / name).mkdir()
    must_have_its_log(tmp_path)
