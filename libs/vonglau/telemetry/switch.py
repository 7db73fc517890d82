"""Telemetry is off unless OTEL_EXPORTER_OTLP_ENDPOINT is set; off costs a comparison per call."""
from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Protocol

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


class Telemetry(Protocol):
    def stop(self) -> None:
        """Export what is left, within the exporters' time limits, and switch off."""


class Off:
    def stop(self) -> None:
        """Nothing was switched on."""


def start(service: str, environ: Mapping[str, str] = os.environ) -> Telemetry:
    """Switch on if the environment names an endpoint. service: the name under which everything is exported."""
    if not environ.get(ENDPOINT):
        return Off()
    from vonglau.telemetry.exporting import export

    return export(service)
