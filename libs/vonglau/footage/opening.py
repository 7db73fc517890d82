"""Which footage store a service uses, and as whom, is decided here."""
from __future__ import annotations

import logging

from vonglau.errors import Unavailable
from vonglau.footage.folder import FolderFootage
from vonglau.footage.port import Footage
from vonglau.footage.roles import RECORDING
from vonglau.settings import PlatformSettings

logger = logging.getLogger(__name__)


async def open_footage(settings: PlatformSettings, role: str) -> Footage:
    """role: one of vonglau.footage.roles; recording makes the buckets, the others wait for them.

    Raises: Refused (STORAGE_UNSUITABLE): the store lacks what footage needs. A store that is away is tried out before the first bucket is made.
    """
    if not settings.footage or settings.footage_credentials is None:
        return FolderFootage(settings.footage_dir)
    from vonglau.footage.s3 import S3Footage  # here, since its import takes time that no start without it should spend
    from vonglau.footage.s3_client import FileCredentials

    ca_file = settings.footage_credentials / "ca.crt"
    store = S3Footage(
        settings.footage.removeprefix("s3+").rstrip("/"),
        FileCredentials(settings.footage_credentials, role),
        region=settings.footage_region,
        prefix=settings.footage_prefix,
        ca_file=ca_file if ca_file.exists() else None,
        makes_buckets=role == RECORDING,
    )
    if role == RECORDING:
        try:
            await store.probe()
        except Unavailable as away:
            logger.warning("the footage store is not tried out yet: %s", away.message)
        except BaseException:
            await store.close()
            raise
    return store
