"""What Kopf does here: it watches and wakes the loop, and answers whether the process is alive. No rule stands in a handler."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import kopf

from operators.ingest_fleet.pool import GROUP, PLURAL, POOL_LABEL, VERSION

WATCHED = (("apps", "v1", "statefulsets"), ("batch", "v1", "jobs"))


def registry(wake: Callable[[], None], kubeconfig: Path | None) -> kopf.OperatorRegistry:
    made = kopf.OperatorRegistry()

    def woken(**_: Any) -> None:
        wake()

    @kopf.on.login(registry=made)
    def login(**told: Any) -> kopf.ConnectionInfo | None:
        if kubeconfig is None:
            return kopf.login_with_service_account(**told)
        return kopf.login_with_kubeconfig(**told)

    kopf.on.event(GROUP, VERSION, PLURAL, registry=made)(woken)
    for group, version, plural in WATCHED:
        kopf.on.event(group, version, plural, labels={POOL_LABEL: kopf.PRESENT}, registry=made)(woken)
    return made


def settings() -> kopf.OperatorSettings:
    """Only the own namespace is seen; nothing is written through Kopf."""
    made = kopf.OperatorSettings()
    made.scanning.disabled = True
    made.posting.enabled = False
    made.peering.standalone = True
    made.networking.connect_timeout = 5
    made.networking.request_timeout = 30
    return made
