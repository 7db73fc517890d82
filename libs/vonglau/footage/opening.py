"""Which footage store a service uses, and as whom, is decided here."""
from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from vonglau.errors import Unavailable
from vonglau.footage.folder import FolderFootage
from vonglau.footage.port import Footage
from vonglau.footage.roles import RECORDING
from vonglau.settings import PlatformSettings

if TYPE_CHECKING:
    from vonglau.footage.s3 import S3Footage

logger = logging.getLogger(__name__)


async def open_footage(settings: PlatformSettings, role: str) -> Footage:
    """role: one of vonglau.footage.roles; recording makes the buckets, the others wait for them.

    Raises: Refused (STORAGE_UNSUITABLE): the store lacks what footage needs. A store that is away is tried out before the first bucket is made.
    """
    if not settings.footage or settings.footage_credentials is None:
        return FolderFootage(settings.footage_dir)
    store = object_store(settings, settings.footage_credentials, role)
    if role == RECORDING:
        try:
            await store.probe()
        except Unavailable as away:
            logger.warning("the footage store is not tried out yet: %s", away.message)
        except BaseException:
            await store.close()
            raise
    return store


def object_store(settings: PlatformSettings, folder: Path, role: str) -> S3Footage:
    """folder: of credentials, and of the store's private authority where it has one."""
    from vonglau.footage.s3 import S3Footage  # here, since its import takes time that no start without it should spend
    from vonglau.footage.s3_client import FileCredentials
    from vonglau.footage.s3_sessions import OwnerSessions

    url, credentials = settings.footage.removeprefix("s3+").rstrip("/"), FileCredentials(folder, role)
    region, prefix = settings.footage_region, settings.footage_prefix
    ca_file = folder / "ca.crt" if (folder / "ca.crt").exists() else None
    sessions = OwnerSessions(url, credentials, role, region=region, prefix=prefix, ca_file=ca_file) if settings.footage_sessions == "owner" else None
    return S3Footage(url, credentials, region=region, prefix=prefix, ca_file=ca_file, makes_buckets=role == RECORDING, sessions=sessions)
