"""The service configs, one JSON file per gRPC service: default deadlines and retries (gRFC A6). A method without timeout is endless.

Only UNAVAILABLE is retried (AIP-194), and nobody waits for a connection: a caller with nothing to do can wait better itself.
"""
from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

THROTTLING = {"maxTokens": 10, "tokenRatio": 0.1}  # half of the tokens gone: no retries until calls succeed again


@cache
def method_configs() -> list[dict[str, Any]]:
    """Of all services: names are fully qualified, so one channel may carry any of them."""
    files = sorted(resources.files(__name__).iterdir(), key=lambda each: each.name)
    return [entry for each in files if each.name.endswith(".json") for entry in json.loads(each.read_text("utf-8"))["methodConfig"]]


@cache
def service_config() -> str:
    """For the channel option `grpc.service_config`."""
    return json.dumps({"methodConfig": method_configs(), "retryThrottling": THROTTLING})


@cache
def timeouts() -> dict[str, float | None]:
    """Seconds by "/<service>/<method>", or "/<service>/" for a service's other methods; None: endless."""
    return {f"/{name['service']}/{name.get('method', '')}": seconds(entry.get("timeout")) for entry in method_configs() for name in entry["name"]}


def timeout_of(method: str) -> float | None:
    """The default deadline of "/<service>/<method>" in seconds; 30 for a service without config; None: endless."""
    known = timeouts()
    return known[method] if method in known else known.get(method[: method.rindex("/") + 1], 30.0)


def endless_methods() -> frozenset[str]:
    return frozenset(method for method, timeout in timeouts().items() if timeout is None)


def seconds(duration: str | None) -> float | None:
    return None if duration is None else float(duration.removesuffix("s"))
