"""How a service comes to NATS: connected under its name, with every stream and bucket there."""
from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from vonglau.broker.connection import Broker, Login, connect
from vonglau.broker.filling import measured
from vonglau.broker.permissions import NEEDS
from vonglau.broker.topology import declared_elsewhere, ensure
from vonglau.broker.version import must_be_new_enough
from vonglau.settings import PlatformSettings


@asynccontextmanager
async def attached(settings: PlatformSettings, user: str, name: str = "") -> AsyncIterator[Broker]:
    """user: the service. name: of this process where a service has several; shown by the server.

    Raises: Refused (LOG_SERVER_TOO_OLD, LOG_STORAGE_TOO_SMALL).
    """
    login = Login(user, settings.nats_seed_file, settings.nats_ca_file)
    async with connect(settings.nats_url, name=name or user, login=login) as broker:
        must_be_new_enough(broker.nc)
        await (ensure(broker, total_gb=settings.streams_gb) if settings.streams == "make" else declared_elsewhere(broker, NEEDS[user].streams))
        async with measured(broker, NEEDS[user].streams):
            yield broker
