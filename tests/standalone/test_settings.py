"""What a person may set on one machine, and what can't be meant."""
from __future__ import annotations

from typing import Any, cast

import pytest

from services.standalone.platform import Platform
from services.standalone.settings import StandaloneSettings
from vonglau.settings import Misconfigured, load


def settings(**variables: object) -> StandaloneSettings:
    return load(StandaloneSettings, {f"VONGLAU_{name}": str(value) for name, value in variables.items()})


def listening(told: StandaloneSettings, monkeypatch: pytest.MonkeyPatch, **set_already: str) -> dict[str, str]:
    """By process that serves, where it is told to listen; nothing is started."""
    for name, value in set_already.items():
        monkeypatch.setenv(name, value)
    platform, found = Platform(told, print), dict[str, str]()
    for name, own in cast(dict[str, dict[str, str]], vars(platform)["_services"]).items():
        if name != "retention":
            found[name] = {**told.environment(platform.nats_url), **set_already, **own}["VONGLAU_LISTEN"]
    return found


@pytest.mark.parametrize("count", [0, 8, 64])
def test_up_to_64_cameras_are_played(count: int) -> None:
    assert settings(SIMULATED_CAMERAS=count).simulated_cameras == count


@pytest.mark.parametrize("count", [-1, 65, 1000])
def test_fewer_than_none_and_more_than_64_cameras_are_refused(count: int) -> None:
    with pytest.raises(Misconfigured, match=f"VONGLAU_SIMULATED_CAMERAS='?{count}'? is "):
        settings(SIMULATED_CAMERAS=count)


def test_every_port_is_a_free_one_unless_given(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(listening(settings(INGEST_PROCESSES=2), monkeypatch).values()) == {"127.0.0.1:0"}
    given = settings(REGISTRY_PORT=7001, INGEST_PORT=7002, RECORDING_PORT=7003, INGEST_PROCESSES=2)
    assert listening(given, monkeypatch) == {
        "registry": "127.0.0.1:7001", "ingest": "127.0.0.1:7002", "recording": "127.0.0.1:7003", "ingest-1": "127.0.0.1:0",
    }


def test_services_listen_on_the_host_that_is_given_each_at_its_own_port(monkeypatch: pytest.MonkeyPatch) -> None:
    given = settings(LISTEN="[::1]:0", REGISTRY_PORT=7001)
    assert listening(given, monkeypatch, VONGLAU_LISTEN="[::1]:0") == {"registry": "[::1]:7001", "ingest": "[::1]:0", "recording": "[::1]:0"}


@pytest.mark.parametrize("name", ["LISTEN", "HEALTH_LISTEN"])
def test_a_port_that_every_service_would_be_told_is_refused(name: str) -> None:
    settings(**{name: "0.0.0.0:0"})
    with pytest.raises(Misconfigured, match=f"VONGLAU_{name}='0.0.0.0:7000' .* can't share a port"):
        settings(**{name: "0.0.0.0:7000"})


def test_two_that_are_given_the_same_port_are_refused_by_name() -> None:
    contradicting: dict[str, Any] = {"NATS_PORT": 7001, "REGISTRY_PORT": 7002, "RECORDING_PORT": 7001}
    with pytest.raises(Misconfigured, match=r"^VONGLAU_NATS_PORT, VONGLAU_RECORDING_PORT are the same port$"):
        settings(**contradicting)
