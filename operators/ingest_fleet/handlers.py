"""What Kopf does here: it watches and wakes the loop, and answers whether the process is alive. No rule stands in a handler."""
from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import kopf

from operators.ingest_fleet.pool import GROUP, PLURAL, POOL_LABEL, VERSION
from operators.ingest_fleet.settings import FleetSettings
from vonglau.telemetry import count, names

LOOP = "watch of the fleet"
AGAIN_S = 5.0
WATCHED = (("apps", "v1", "statefulsets"), ("batch", "v1", "jobs"))
logger = logging.getLogger(__name__)


async def watch(wake: Callable[[], None], settings: FleetSettings, stop: asyncio.Event) -> None:
    """Until stop is set or a signal comes: Kopf takes the signals over and returns at the first one. Once it has given up on the cluster, it begins anew."""
    while not stop.is_set():
        try:
            await kopf.operator(
                registry=registry(wake, settings.kubeconfig),
                settings=quiet(),
                namespaces=[settings.namespace],
                standalone=True,
                identity=cast(Any, LOOP),  # unused without peering; else Kopf asks for the user's name, and a pod's user has none
                stop_flag=stop,
                liveness_endpoint=f"http://{settings.health_listen}/alive" if settings.health_listen else None,
            )
        except Exception as error:
            count(names.LOOP_ERRORS, 1, {names.LOOP: LOOP, names.ERROR_TYPE: type(error).__name__})
            logger.warning("nothing is watched for now, so changes are seen only in the next turn", exc_info=True)
            await asyncio.sleep(AGAIN_S)
        else:
            return


def registry(wake: Callable[[], None], kubeconfig: Path | None) -> kopf.OperatorRegistry:
    made = kopf.OperatorRegistry()

    def woken(**_: Any) -> None:
        wake()

    @kopf.on.login(registry=made)
    def login(**told: Any) -> kopf.ConnectionInfo | None:
        if kubeconfig is None:
            return kopf.login_with_service_account(**told)
        os.environ["KUBECONFIG"] = str(kubeconfig)  # the only place where Kopf looks
        return kopf.login_with_kubeconfig(**told)

    kopf.on.event(GROUP, VERSION, PLURAL, registry=made)(woken)
    for group, version, plural in WATCHED:
        kopf.on.event(group, version, plural, labels={POOL_LABEL: kopf.PRESENT}, registry=made)(woken)
    return made


def quiet() -> kopf.OperatorSettings:
    """Only the own namespace is seen; nothing is written through Kopf."""
    made = kopf.OperatorSettings()
    made.scanning.disabled = True
    made.posting.enabled = False
    made.peering.standalone = True
    made.networking.connect_timeout = 5
    made.networking.request_timeout = 30
    return made
