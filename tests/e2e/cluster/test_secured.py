"""An installation as a city runs it: three NATS servers, everything encrypted. The tests stand in the order in which they have to run."""
from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial

import pytest

from tests.e2e.cluster.certified import certify, issue
from tests.e2e.cluster.conftest import Cluster, until
from tests.e2e.cluster.installation import OWNER, Installation, longest, now
from tests.e2e.cluster.surroundings import SERVICES, surrounded
from vonglau.testing.certificates import Authority

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]
CAMERAS = 6
AFTER_S = 12.0


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def installation(cluster: Cluster, authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    told = ("values.yaml", "values-secured.yaml")
    certified = partial(certify, authority=authority)
    with surrounded(cluster, tmp_path_factory.mktemp("secured"), certified, told=told, surroundings="secured", is_encrypted=True) as made:
        yield made


def test_cameras_are_recorded_where_everything_is_encrypted(installation: Installation) -> None:
    installation.install()
    installation.vonglau("owner", "add", OWNER, "--name", "e2e", "--admin", "platform")
    installation.register(1, CAMERAS)
    until(lambda: installation.stored(CAMERAS), 180, "a segment of each camera is stored")


def test_helm_test_proves_the_installation(installation: Installation) -> None:
    installation.cluster.helm("test", "vonglau", "-n", installation.namespace, "--timeout", "5m")


@pytest.mark.parametrize("service", ["registry", "ingest", "recording"])
def test_a_client_without_a_certificate_of_the_installation_is_refused(installation: Installation, service: str) -> None:
    """Although its token is good. unknown: by an authority of its own."""
    outcome = json.loads(installation.inside("knock", service))
    assert outcome == {"own": "OK", "plain": "UNAVAILABLE", "none": "UNAVAILABLE", "unknown": "UNAVAILABLE"}


def test_nats_admits_nobody_without_a_key(installation: Installation) -> None:
    assert "Authorization Violation" in installation.inside("log_without_key", f"tls://nats.{installation.backends}.svc:4222")


def test_renewed_certificates_are_taken_up_without_a_restart(installation: Installation, authority: Authority) -> None:
    before, since = installation.containers(), now()
    issued = {service: digest for service, digest in issue(installation, authority).items() if service in SERVICES}
    until(lambda: presented(installation) == issued, 180, "each service presents its new certificate")
    until(lambda: installation.recording() == CAMERAS, 60, "every camera is recorded")
    assert longest(installation.settled(CAMERAS, since, now(AFTER_S))) == 0.0
    assert installation.containers() == before


@pytest.mark.parametrize("stream", ["fact_ingest", "es_registry", "KV_leases"])
def test_the_leader_of_a_stream_may_die(installation: Installation, stream: str) -> None:
    since = now()
    installation.kill(leader(installation, stream), installation.backends)
    gaps = installation.settled(CAMERAS, since, now(AFTER_S))
    assert longest(gaps) == 0.0
    until(lambda: leader(installation, stream), 60, "there is a leader")
    until(lambda: installation.recording() == CAMERAS, 60, "every camera is recorded")


def test_commands_go_on_once_there_is_another_leader(installation: Installation) -> None:
    """Until then they are refused, with word that they may be tried again."""
    installation.kill(leader(installation, "es_registry"), installation.backends)
    wanted = {f"e2e-cam-{each}" for each in range(1, CAMERAS + 3)}
    until(lambda: installation.register(CAMERAS + 1, CAMERAS + 2) and wanted <= {each["id"] for each in installation.cameras()}, 60, "cameras are registered")
    until(lambda: installation.stored(CAMERAS + 2), 120, "new cameras are recorded too")


def test_it_is_taken_away_whole_though_its_operator_is_dead(installation: Installation) -> None:
    installation.cluster.kubectl("scale", "deployment/vonglau-operator", "-n", installation.namespace, "--replicas=0")
    until(lambda: installation.pods("operator") == [], 60, "there is no operator")
    installation.uninstall()
    assert [installation.cluster.objects(each, installation.namespace) for each in ("pvc", "ingestpool", "statefulset")] == [[], [], []]


def leader(installation: Installation, stream: str) -> str:
    """The pod; empty while one is elected."""
    return installation.inside("leader", stream, *(f"http://nats-{each}.nats-peers.{installation.backends}.svc:8222" for each in range(3))).strip()


def presented(installation: Installation) -> object:
    """Service -> SHA-256 of its certificate."""
    return json.loads(installation.inside("presented", *SERVICES))
