"""A cluster that the tests may use: namespaces that they make, label and take away."""
from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
VARIABLE = "VONGLAU_TEST_KUBECONFIG"
MADE_BY = "vonglau.vn/made-by"
Object = dict[str, Any]


@dataclass(frozen=True)
class Cluster:
    kubeconfig: Path

    def kubectl(self, *arguments: str, given: str | None = None, check: bool = True) -> str:
        return self._run("kubectl", *arguments, given=given, check=check)

    def helm(self, *arguments: str, check: bool = True, refused: bool = False) -> str:
        """refused: it has to fail, and what it says of that is returned."""
        return self._run("helm", *arguments, check=check, refused=refused)

    def objects(self, kind: str, namespace: str, selector: str = "") -> list[Object]:
        chosen = ["--selector", selector] if selector else []
        found: list[Object] = json.loads(self.kubectl("get", kind, "--namespace", namespace, *chosen, "--output", "json"))["items"]
        return found

    def object(self, kind: str, name: str, namespace: str) -> Object:
        found: Object = json.loads(self.kubectl("get", kind, name, "--namespace", namespace, "--output", "json"))
        return found

    @contextmanager
    def watched(self, kind: str, name: str, namespace: str, field: str) -> Iterator[list[tuple[float, str]]]:
        """When the field had which value (wall time, s), as the server tells it: no polling stands between."""
        seen: list[tuple[float, str]] = []
        command = [tool("kubectl"), "get", kind, name, "--namespace", namespace, "--watch", "--output", f"jsonpath={{{field}}}{{'\\n'}}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=self._environment()) as process:
            told = process.stdout
            assert told is not None
            reader = Thread(target=lambda: seen.extend((time.time(), line.strip()) for line in told), daemon=True)
            reader.start()
            try:
                until(lambda: seen, 30, f"{kind} {name} is watched")
                yield seen
            finally:
                process.terminate()
                reader.join()

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig)}

    def _run(self, program: str, *arguments: str, given: str | None = None, check: bool = True, refused: bool = False) -> str:
        done = subprocess.run([tool(program), *arguments], input=given, capture_output=True, text=True, env=self._environment(), check=False)
        if refused:
            assert done.returncode != 0, done.stdout
            return done.stdout + done.stderr
        assert done.returncode == 0 or not check, f"{program} {' '.join(arguments)}: {done.stderr[-3000:]}"
        return done.stdout


def tool(name: str) -> str:
    """From the path, or from where the servers of the tests and the cluster's programs are."""
    cache = Path.home() / ".cache"
    places = [os.environ.get("VONGLAU_SERVERS", str(cache / "vonglau-servers")) + "/bin", str(cache / "vonglau-cluster" / "bin")]
    found = shutil.which(name) or next((path for each in places if (path := shutil.which(name, path=each))), None)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def until(condition: Any, within: float, why: str) -> Any:
    """The first true value. within: s."""
    end = time.monotonic() + within
    while True:
        if found := condition():
            return found
        assert time.monotonic() < end, f"not within {within:g} s: {why}"
        time.sleep(0.2)


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    kubeconfig = os.environ.get(VARIABLE)
    if not kubeconfig:
        pytest.skip(f"{VARIABLE} names no kubeconfig of a cluster that the tests may use")
    made = Cluster(Path(kubeconfig))
    if not made.kubectl("get", "nodes", "--output", "name", check=False):
        pytest.skip(f"the cluster of {VARIABLE} has no node, or does not answer")
    return made
