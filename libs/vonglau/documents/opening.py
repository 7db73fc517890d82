"""Which document store a service uses is decided here."""
from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from vonglau.documents.port import Documents
from vonglau.documents.sqlite import SqliteDocuments
from vonglau.settings import PlatformSettings

CONNECT_MS = 3_000  # the driver's own 20 s would pass before it looks again for a server that went and came back under one address


def open_documents(settings: PlatformSettings, service: str, *, user: str = "") -> Documents:
    """In MongoDB a database per service, `<path of the URL>_<service>` or `vonglau_<service>`; credentials are read once, at the start.
    The URL's own options come first. service: whose documents they are. user: who asks, where that is another program, which changes nothing.

    Raises: OSError, where a credential is missing.
    """
    if not settings.documents:
        return SqliteDocuments(settings.data_dir / f"{service}.db")
    from vonglau.documents.mongo import MongoDocuments  # here, since its import takes time that no start without it should spend

    parts, asking = urlsplit(settings.documents), user or service
    given = {name.lower() for name in parse_qs(parts.query, keep_blank_values=True)}
    usual = {"appname": f"vonglau-{asking}", "connectTimeoutMS": CONNECT_MS, **credentials(settings.documents_credentials, asking)}
    options = {name: value for name, value in usual.items() if name.lower() not in given}
    return MongoDocuments(settings.documents, f"{parts.path.strip('/') or 'vonglau'}_{service}", **options)


def credentials(folder: Path | None, service: str) -> dict[str, Any]:
    """As MongoDB's client takes them."""
    if folder is None:
        return {}
    options: dict[str, Any] = {}
    if (folder / f"{service}.username").exists():
        options |= {name: (folder / f"{service}.{name}").read_text("utf-8").strip() for name in ("username", "password")}
        options["authSource"] = "admin"
    if (folder / "ca.crt").exists():
        options["tlsCAFile"] = str(folder / "ca.crt")
    return options
