"""Real servers for the tests as child processes on loopback: MinIO, a server that speaks MongoDB's protocol, Jaeger.

`python -m tests.backends.servers COMMAND…` starts what is installed, names it by VONGLAU_TEST_*, runs the command, and ends them; its exit
code is the command's. Programs are looked for on the path and in $VONGLAU_SERVERS (~/.cache/vonglau-servers); what is not there is said.
"""
from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from vonglau.broker.server import free_port

STARTS_WITHIN_S, ENDS_WITHIN_S = 60.0, 10.0
KEY, SECRET = "vonglau-tests", "vonglau-tests-secret"
OTLP = "VONGLAU_TEST_OTLP"
JAEGER = """\
service:
  extensions: [jaeger_storage, jaeger_query]
  pipelines:
    traces: {{receivers: [otlp], exporters: [jaeger_storage_exporter]}}
  telemetry: {{metrics: {{level: none}}}}
extensions:
  jaeger_storage: {{backends: {{memory: {{memory: {{max_traces: 50000}}}}}}}}
  jaeger_query: {{storage: {{traces: memory}}, http: {{endpoint: "127.0.0.1:{query}"}}, grpc: {{endpoint: "127.0.0.1:{other}"}}}}
receivers:
  otlp: {{protocols: {{grpc: {{endpoint: "127.0.0.1:{otlp}"}}}}}}
exporters:
  jaeger_storage_exporter: {{trace_storage: memory}}
"""
MONGODB = ("-Xmx2g", "-XX:TieredStopAtLevel=1")


def cache() -> Path:
    return Path(os.environ.get("VONGLAU_SERVERS", str(Path.home() / ".cache" / "vonglau-servers")))


def program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=str(cache() / "bin"))


def found(name: str) -> str:
    """For a test, which is skipped where the program is not there."""
    path = program(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


class Server:
    """One process on a port that stays the same when it is started again."""

    def __init__(
        self, name: str, command: Sequence[str], port: int, folder: Path, environment: Mapping[str, str], named: Mapping[str, str] | None = None,
    ) -> None:
        """named: variables for the tests, beside the one of its URL."""
        self.name, self.port, self.named = name, port, dict(named or {})
        self._command = command
        self._log = folder / f"{name}.log"
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return once it takes connections."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + STARTS_WITHIN_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{self.name} did not start:\n{self._log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.2):
            return True
        return False

    def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(ENDS_WITHIN_S)

    def stop(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.kill()


def minio(folder: Path, scans: str = "default") -> Server | None:
    """None: it is not installed. Its data outlive a kill. scans: how soon it counts what is in its buckets; by default a minute, `fastest` about 10 s."""
    path, port = program("minio"), free_port()
    if path is None:
        return None
    told = {"MINIO_ROOT_USER": KEY, "MINIO_ROOT_PASSWORD": SECRET, "MINIO_BROWSER": "off", "MINIO_UPDATE": "off", "MINIO_CI_CD": "on"}
    told["MINIO_SCANNER_SPEED"] = scans
    return Server("minio", [path, "server", str(folder / "minio"), "--address", f"127.0.0.1:{port}"], port, folder, told)


def mongodb(folder: Path) -> Server | None:
    """None: it is not installed. mongo-java-server keeps all in memory: after a kill it is empty."""
    java, classes, port = shutil.which("java"), cache() / "mongo", free_port()
    if java is None or not (classes / "MongoServerMain.class").exists():
        return None
    return Server("mongodb", [java, *MONGODB, "-cp", f"{classes}/lib/*:{classes}", "MongoServerMain", str(port)], port, folder, {})


def s3_url(server: Server) -> str:
    return f"http://{KEY}:{SECRET}@127.0.0.1:{server.port}"


def mongodb_url(server: Server) -> str:
    return f"mongodb://127.0.0.1:{server.port}"


def jaeger(folder: Path) -> Server | None:
    """None: it is not installed. Traces come by OTLP and stay in memory."""
    path, query, otlp = program("jaeger"), free_port(), free_port()
    if path is None:
        return None
    configuration = folder / "jaeger.yaml"
    configuration.write_text(JAEGER.format(query=query, otlp=otlp, other=free_port()), "utf-8")
    return Server("jaeger", [path, "--config", str(configuration)], query, folder, {}, {OTLP: f"http://127.0.0.1:{otlp}"})


def jaeger_url(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}"


SERVERS = (("VONGLAU_TEST_S3", minio, s3_url), ("VONGLAU_TEST_MONGODB", mongodb, mongodb_url), ("VONGLAU_TEST_JAEGER", jaeger, jaeger_url))


@contextlib.contextmanager
def running(folder: Path) -> Iterator[dict[str, str]]:
    """What is installed, and the variables that name it. A variable that is set already stands for a server of its own."""
    with contextlib.ExitStack() as stack:
        named: dict[str, str] = {}
        for variable, made, url in SERVERS:
            if os.environ.get(variable):
                continue
            server = made(folder)
            if server is None:
                sys.stderr.write(f"{made.__name__} is not installed: what needs {variable} is skipped\n")
                continue
            stack.callback(server.stop)
            server.start()
            named |= {variable: url(server)} | server.named
        yield named


def main(command: Sequence[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="vonglau-servers-") as folder, running(Path(folder)) as named:
        return subprocess.run(command, env={**os.environ, **named}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
