"""Where data may go: the hosts of what is kept and told elsewhere, against a list of those that are allowed."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from vonglau.settings.loading import Misconfigured

HERE = {"localhost", "127.0.0.1", "::1"}  # what stays on the machine goes nowhere
TELEMETRY = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")


def hosts(urls: str) -> Iterator[str]:
    """Of URLs by comma, and of several hosts behind one scheme. Raises: ValueError for what is no URL."""
    for url in urls.split(","):
        text = url.strip()
        yield urlsplit(text if "://" in text else f"//{text}").hostname or ""


def foreign(urls: str, allowed: Iterable[str]) -> list[str]:
    """Hosts that are not allowed; `*.x` allows what is below x."""
    rules = [rule.lower() for rule in allowed]
    return [host for host in hosts(urls) if host not in HERE and not any(fits(host, rule) for rule in rules)]


def fits(host: str, rule: str) -> bool:
    return host.endswith(rule[1:]) if rule.startswith("*.") else host == rule


def problems(told: Mapping[str, str], allowed: tuple[str, ...]) -> list[str]:
    """told: variable -> URLs; empty ones are nowhere. A sentence for each variable that leads elsewhere; none where nothing is listed."""
    if not allowed:
        return []
    found = {name: foreign(urls, allowed) for name, urls in told.items() if urls}
    return [f"{name} leads to {', '.join(each) or 'no host'}, which is not among VONGLAU_ALLOWED_HOSTS" for name, each in found.items() if each]


def check_telemetry(environ: Mapping[str, str], allowed: tuple[str, ...]) -> None:
    """Raises: Misconfigured."""
    wrong = problems({name: environ.get(name, "") for name in TELEMETRY}, allowed)
    if wrong:
        raise Misconfigured(wrong)
