"""Which store a service's documents are in."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vonglau.documents import SqliteDocuments, mongo, open_documents
from vonglau.settings import PlatformSettings


class Opened:
    def __init__(self, url: str, database: str, **options: Any) -> None:
        self.url, self.database, self.options = url, database, options


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(mongo, "MongoDocuments", Opened)
    return lambda service, user="", **settings: open_documents(PlatformSettings(**settings), service, user=user)


def written(folder: Path, *files: tuple[str, str]) -> Path:
    for name, text in files:
        (folder / name).write_text(text)
    return folder


def test_unless_told_otherwise_they_are_in_a_file_of_the_service(opened: Any, tmp_path: Path) -> None:
    assert isinstance(opened("registry", data_dir=tmp_path), SqliteDocuments)


def test_each_service_has_a_database_of_its_own(opened: Any) -> None:
    assert opened("registry", documents="mongodb://db:27017").database == "vonglau_registry"
    assert opened("recording", documents="mongodb://db:27017/city?tls=true").database == "city_recording"


def test_a_service_comes_with_its_own_credential(opened: Any, tmp_path: Path) -> None:
    others = [("recording.username", "rec"), ("recording.password", "two")]
    folder = written(tmp_path, ("registry.username", "reg"), ("registry.password", "one\n"), ("ca.crt", "…"), *others)
    options = opened("registry", documents="mongodb://db", documents_credentials=folder).options
    assert options.pop("connectTimeoutMS") < 5_000
    assert options == {"appname": "vonglau-registry", "username": "reg", "password": "one", "authSource": "admin", "tlsCAFile": str(folder / "ca.crt")}


def test_another_program_that_asks_for_a_services_documents_comes_with_its_own_credential(opened: Any, tmp_path: Path) -> None:
    folder = written(tmp_path, ("recording.username", "rec"), ("recording.password", "two"), ("retention.username", "ret"), ("retention.password", "three"))
    made = opened("recording", user="retention", documents="mongodb://db", documents_credentials=folder)
    assert made.database == "vonglau_recording"
    assert [made.options[name] for name in ("appname", "username", "password")] == ["vonglau-retention", "ret", "three"]


def test_what_the_url_says_comes_first(opened: Any, tmp_path: Path) -> None:
    folder = written(tmp_path, ("registry.username", "reg"), ("registry.password", "one"))
    options = opened("registry", documents="mongodb://db/?authsource=city&connectTimeoutMS=9000", documents_credentials=folder).options
    assert set(options) == {"appname", "username", "password"}


def test_a_credential_without_its_password_is_told_at_the_start(opened: Any, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"registry\.password"):
        opened("registry", documents="mongodb://db", documents_credentials=written(tmp_path, ("registry.username", "reg")))
