"""Log lines on standard error: readable text, or JSON with trace ids for collectors."""
from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

import orjson
from opentelemetry import trace


def log_to_stderr(service: str, *, form: str = "text", level: str = "info") -> None:
    """Replace the root logger's handlers by one. form: text or json; level: debug, info, warning or error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(service) if form == "json" else TextLines(service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())


class TextLines(logging.Formatter):
    """`2026-05-14T08:00:00.123Z registry WARNING vonglau.rpc: message`"""

    def __init__(self, service: str) -> None:
        super().__init__(f"%(asctime)s {service} %(levelname)s %(name)s: %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802, ARG002 - overridden
        return instant(record)


class JsonLines(logging.Formatter):
    """One object a line: time, level, service, logger, message, and trace_id, span_id, error where there are any."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, str] = {
            "time": instant(record),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            line |= {"trace_id": trace.format_trace_id(context.trace_id), "span_id": trace.format_span_id(context.span_id)}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return orjson.dumps({key: encodable(text) for key, text in line.items()}).decode()


def encodable(text: str) -> str:
    """With ? for what is no character: a path or a peer's text may hold half of one, and its line is not to be lost."""
    return text.encode("utf-8", "replace").decode()


def instant(record: logging.LogRecord) -> str:
    """UTC, milliseconds."""
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
