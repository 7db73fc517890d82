"""A farm: many simulated cameras behind one port, in the running event loop."""

import asyncio
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlencode

from vonglau.testing.cameras.camera import CameraSpec, SimulatedCamera
from vonglau.testing.cameras.connection import Connection, Lobby
from vonglau.testing.scenes import load

TICK = 0.02  # seconds between two looks at what is due; everything due goes out in one write per track


class CameraFarm:
    """`async with CameraFarm([CameraSpec("cam-1")]) as farm: farm.url("cam-1")`.

    Scenes that no cache holds are drawn at the start, in a thread. Port 0 takes a free one.
    """

    def __init__(self, cameras: Sequence[CameraSpec], *, host: str = "127.0.0.1", port: int = 0, tick: float = TICK) -> None:
        self._specs, self._host, self._tick = cameras, host, tick
        self.port = port
        self.cameras = {spec.id: SimulatedCamera(spec) for spec in cameras}
        self._lobby = Lobby(self.cameras)
        self._server: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        for scene in {scene for spec in self._specs for scene in spec.profiles.values() if not scene.live}:
            await asyncio.to_thread(load, scene)
        await self.listen()
        self._push()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for camera in self.cameras.values():
            await asyncio.to_thread(camera.close)
        await self.refuse_connections()

    def camera(self, camera: str) -> SimulatedCamera:
        return self.cameras[camera]

    def url(self, camera: str, profile: str = "main", *, credentials: bool = True, **faults: str | float) -> str:
        """Where a client finds a camera; `faults` hold for that connection (see `Faults`)."""
        spec = self.cameras[camera].spec
        login = f"{quote(spec.user, safe='')}:{quote(spec.password, safe='')}@" if spec.user and credentials else ""
        return f"rtsp://{login}{self._host}:{self.port}/{camera}/{profile}" + (f"?{urlencode(faults, safe=',')}" if faults else "")

    async def listen(self) -> None:
        """Take connections (again), on the same port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self._lobby), self._host, self.port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse_connections(self) -> None:
        """Close the port and everything open, so that connecting is refused: a whole site has lost its power."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._lobby.open):
            connection.reset()
        await self._server.wait_closed()
        self._server = None

    def _push(self) -> None:
        now = time.monotonic()
        for connection, playing in list(self._lobby.playing.items()):
            connection.tick(playing, now)
        self._timer = asyncio.get_running_loop().call_later(self._tick, self._push)
