from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from vonglau.errors import Refused
from vonglau.keyfile import key_file


def test_a_key_is_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.key"
    assert key_file(path, lambda: b"first") == b"first"
    assert key_file(path, lambda: b"second") == b"first"


def test_only_its_user_can_read_a_key(tmp_path: Path) -> None:
    key_file(tmp_path / "a.key", lambda: b"key")
    assert stat.S_IMODE((tmp_path / "a.key").stat().st_mode) == 0o600


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    key_file(path, lambda: b"key")
    path.chmod(0o640)
    with pytest.raises(Refused) as refused:
        key_file(path, lambda: b"key")
    assert refused.value.reason == "KEY_FILE_OPEN"


@pytest.mark.parametrize(("mode", "refused"), [(0o440, False), (0o460, True), (0o444, True)])
def test_a_key_of_root_that_is_mounted_for_our_group_is_read_and_one_for_everybody_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, refused: bool
) -> None:
    path = tmp_path / "a.key"
    key_file(path, lambda: b"key")
    path.chmod(mode)
    monkeypatch.setattr("os.geteuid", lambda: path.stat().st_uid + 1)
    if refused:
        with pytest.raises(Refused, match="can be read by others"):
            key_file(path, lambda: b"key")
    else:
        assert key_file(path, lambda: b"key") == b"key"


def test_of_many_that_start_at_once_all_get_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda n: key_file(tmp_path / "a.key", lambda: b"%d" % n * 100), range(32)))
    assert len(set(keys)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.key"]
