"""Metrics, spans and logs. What leaves a process is declared in `names`; nothing leaves it unless OTEL_EXPORTER_OTLP_ENDPOINT is set."""

from vonglau.telemetry.instruments import count, gauge, measure
from vonglau.telemetry.logs import log_to_stderr
from vonglau.telemetry.propagation import extract, inject
from vonglau.telemetry.spans import elapsed, failed, following, lasting, processing, processing_batch, publishing, span
from vonglau.telemetry.switch import Telemetry, start

__all__ = [
    "Telemetry", "count", "elapsed", "extract", "failed", "following", "gauge", "inject", "lasting", "log_to_stderr", "measure", "processing",
    "processing_batch", "publishing", "span", "start",
]
