"""How processes of one machine find each other: the bound address of a service stands in a file of the run folder."""
from __future__ import annotations

import os
from pathlib import Path

from vonglau.errors import Unavailable


def address_file(run_dir: Path, service: str) -> Path:
    return run_dir / f"{service}.address"


def publish(path: Path, address: str) -> None:
    """Readers see the old address or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(address + "\n", "utf-8")
    fresh.replace(path)


def withdraw(path: Path, address: str) -> None:
    """Only if it is still ours: a successor may have published its own."""
    if path.is_file() and path.read_text("utf-8").strip() == address:
        path.unlink(missing_ok=True)


def find(run_dir: Path, service: str, configured: str = "") -> str:
    """The configured address, else the one in the run folder.

    Raises: Unavailable (ADDRESS_UNKNOWN): the service has not started yet.
    """
    if configured:
        return configured
    path = address_file(run_dir, service)
    try:
        return path.read_text("utf-8").strip()
    except FileNotFoundError:
        raise Unavailable("ADDRESS_UNKNOWN", f"{service} is not running: there is no {path}") from None
