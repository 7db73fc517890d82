"""Where data may lie and go is checked before anything starts."""
from __future__ import annotations

from pathlib import Path

import pytest

from vonglau.settings import Misconfigured, PlatformSettings, check_telemetry, load

CREDENTIALS = {"VONGLAU_FOOTAGE_CREDENTIALS": "footage"}
CITY = {"VONGLAU_ALLOWED_HOSTS": "*.city.example, mongo-b.site.example"}


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"VONGLAU_DOCUMENTS": "postgres://db"}, "VONGLAU_DOCUMENTS is not mongodb"),
        ({"VONGLAU_DOCUMENTS": "mongodb://me:secret@db"}, "VONGLAU_DOCUMENTS holds a credential"),
        ({"VONGLAU_FOOTAGE": "https://store", **CREDENTIALS}, "VONGLAU_FOOTAGE is not s3+http"),
        ({"VONGLAU_FOOTAGE": "s3+https://key:secret@store", **CREDENTIALS}, "VONGLAU_FOOTAGE holds a credential"),
        ({"VONGLAU_FOOTAGE": "s3+https://store"}, "VONGLAU_FOOTAGE needs VONGLAU_FOOTAGE_CREDENTIALS"),
        ({"VONGLAU_FOOTAGE_PREFIX": "City"}, "VONGLAU_FOOTAGE_PREFIX"),
        ({"VONGLAU_FOOTAGE_PREFIX": "a" * 15}, "VONGLAU_FOOTAGE_PREFIX"),
        ({"VONGLAU_NATS_URL": "tls://nats.city.example:4222,tls://nats.abroad.example:4222", **CITY}, "VONGLAU_NATS_URL leads to nats.abroad.example,"),
        ({"VONGLAU_DOCUMENTS": "mongodb://mongo-a.city.example:27017,mongo-c.site.example/?tls=true", **CITY}, "leads to mongo-c.site.example,"),
        ({"VONGLAU_FOOTAGE": "s3+https://city.example", **CREDENTIALS, **CITY}, "VONGLAU_FOOTAGE leads to city.example,"),
    ],
)
def test_a_store_that_cannot_be_or_may_not_be_is_refused_by_name(environ: dict[str, str], said: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        load(PlatformSettings, environ)
    assert said in str(refused.value)
    assert "secret" not in str(refused.value)


def test_allowed_hosts_and_this_machine_are_no_foreign_ones() -> None:
    told = {
        "VONGLAU_NATS_URL": "nats://127.0.0.1:4222",
        "VONGLAU_DOCUMENTS": "mongodb://mongo-a.city.example:27017,MONGO-B.site.example/vonglau?tls=true",
        "VONGLAU_FOOTAGE": "s3+https://a.footage.city.example:9000",
    }
    settings = load(PlatformSettings, {**told, **CREDENTIALS, **CITY})
    assert settings.footage_credentials == Path("footage")


def test_without_a_list_data_goes_where_it_is_told_to() -> None:
    assert load(PlatformSettings, {"VONGLAU_NATS_URL": "tls://anywhere.example"}).allowed_hosts == ()
    check_telemetry({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://anywhere.example:4317"}, ())


@pytest.mark.parametrize("variable", ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"])
def test_telemetry_goes_to_no_foreign_host_either(variable: str) -> None:
    check_telemetry({variable: "https://otlp.city.example:4317"}, ("*.city.example",))
    with pytest.raises(Misconfigured, match=f"{variable} leads to otlp.abroad.example,"):
        check_telemetry({variable: "otlp.abroad.example:4317"}, ("*.city.example",))
