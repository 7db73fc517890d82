"""From the release before, by its own chart and image, to this one, while cameras are recorded and registered."""
from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import pytest

from tests.e2e.cluster.conftest import ROOT, Cluster, until
from tests.e2e.cluster.installation import HERE, OWNER, Installation, longest, now
from tests.e2e.cluster.surroundings import surrounded

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1200)]
FROM = "VONGLAU_TEST_UPGRADE_FROM"  # a commit; unset: the last one before this that changed helm/
BASE, LOAD, STORAGE = (f"VONGLAU_TEST_IMAGE_{each}" for each in ("BASE", "IMPORT", "STORAGE"))  # as images.py is told
TAG = "before"
GOP_S = 2.0  # of the cameras' sub stream
AFTER_S = 12.0
CAMERAS, MORE = 40, 15


@dataclass(frozen=True)
class Release:
    commit: str
    chart: Path


@pytest.fixture(scope="module")
def before(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Its image is built and loaded; its chart lies in a folder."""
    if not (os.environ.get(BASE) and os.environ.get(LOAD)):
        pytest.skip(f"{BASE} and {LOAD} do not say how the older image is built")
    commit = os.environ.get(FROM) or git("rev-list", "--max-count=1", "HEAD~1", "--", "helm")
    if not commit:
        pytest.skip("the repository's history does not reach back to a commit that changed helm/")
    storage = ["--storage", os.environ[STORAGE]] if os.environ.get(STORAGE) else []
    build = [sys.executable, str(HERE / "images.py"), os.environ[BASE], "--import", os.environ[LOAD], "--revision", commit, "--tag", TAG, "--only", "platform"]
    subprocess.run([*build, *storage], check=True)
    folder = tmp_path_factory.mktemp("before")
    archived = subprocess.run(["git", "archive", commit, "helm"], cwd=ROOT, stdout=subprocess.PIPE, check=True)  # noqa: S607
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archived.stdout, check=True)  # noqa: S607
    return Release(commit, folder / "helm" / "vonglau")


@pytest.fixture(scope="module")
def installation(cluster: Cluster, before: Release, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The older release, which records."""
    with surrounded(cluster, tmp_path_factory.mktemp("upgrade")) as made:
        made.install(f"image.tag={TAG}", chart=before.chart)
        made.vonglau("owner", "add", OWNER, "--name", "e2e", "--admin", "platform")
        made.register(1, CAMERAS)
        until(lambda: made.stored(CAMERAS), 300, "a segment of each camera is stored")
        yield made


def test_an_upgrade_loses_no_event_and_no_accepted_second(installation: Installation) -> None:
    begun = now()
    recorded = installation.settled(CAMERAS, begun, since := now(AFTER_S))
    accepted: list[str] = []
    registering = Thread(target=lambda: accepted.extend(register_one_by_one(installation)))
    registering.start()
    installation.install()
    until(lambda: is_of_this_release(installation), 600, "every pod is of this release")
    registering.join()
    assert accepted
    ids = {each["id"] for each in installation.vonglau("camera", "list")["cameras"]}
    assert set(accepted) - ids == set()
    until(lambda: installation.recording() == len(ids), 120, "all cameras are recorded")
    gaps = installation.settled(CAMERAS, since, now(AFTER_S))
    assert longest(gaps) <= GOP_S, gaps
    assert installation.missing(CAMERAS, begun, since) == recorded  # what the older release had accepted


@pytest.mark.parametrize("camera", [1, CAMERAS // 2, CAMERAS])
def test_what_the_older_release_stored_is_what_it_was(installation: Installation, camera: int) -> None:
    checked = installation.vonglau("verify", f"e2e-cam-{camera}")
    assert checked["objects_checked"] > 0
    assert checked["findings"] == []


def register_one_by_one(installation: Installation) -> list[str]:
    """The ids of those that were accepted: a service that is being replaced may refuse some."""
    url = f"rtsp://cameras.{installation.backends}.svc:8554"
    added = "vonglau camera add --owner {owner} --url {url}/cam-$n/sub --name $n --id e2e-cam-$n --as platform --json > answer 2>&1 && echo e2e-cam-$n"
    script = f"for n in $(seq {CAMERAS + 1} {CAMERAS + MORE}); do {added.format(owner=OWNER, url=shlex.quote(url))}; done; true"
    return installation.shell(script).split()


def is_of_this_release(installation: Installation) -> bool:
    pods = installation.cluster.objects("pod", installation.namespace, "app.kubernetes.io/component=ingest")
    status = installation.cluster.object("statefulset", "ingest-default", installation.namespace)
    images = {each["spec"]["containers"][0]["image"].rpartition(":")[2] for each in pods}
    wanted = status["spec"]["replicas"]
    return images == {"test"} and len(pods) == wanted == status["status"].get("readyReplicas")


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()  # noqa: S607
