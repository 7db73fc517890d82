"""An app that runs inside a test's own event loop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from .workers import until


@asynccontextmanager
async def running(app: Any, timeout: float = 60.0) -> AsyncIterator[Any]:  # noqa: ASYNC109  the test's patience
    """Start ``app``, wait until it has its partitions and has recovered its tables, and stop it afterwards.

    Raises TimeoutError, or what crashed the app.
    """
    app.in_worker = True        # as the `worker` command says: exactly_once counts only there
    app.finalize()
    await app.start()
    try:
        await until(lambda: app.crash_reason is not None or is_ready(app), timeout, 0.02)
        if app.crash_reason is not None:
            raise app.crash_reason
        yield app
    finally:
        await app.stop()


def is_ready(app: Any) -> bool:
    """True when nothing moves, tables are recovered, and events flow."""
    consumer = app.consumer
    return bool(consumer.assignment()) and not app.rebalancing and not app.in_recovery and consumer.flow_active
