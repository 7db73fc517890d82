"""An RTSP client that is no more than a socket, and scenes small enough to be drawn in a blink."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest


@dataclass
class Answer:
    code: int
    headers: dict[str, str]
    body: str


@dataclass
class Client:
    """Sends what it is told; packets that come between answers are kept."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    url: str
    packets: list[bytes] = field(default_factory=list)
    session: str = ""

    async def ask(self, method: str, url: str = "", body: str = "", **headers: str) -> Answer:
        if self.session:
            headers.setdefault("Session", self.session)
        if body:
            headers["Content-Length"] = str(len(body))
        lines = [f"{method} {url or self.url} RTSP/1.0", "CSeq: 7", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        return await self.answer()

    async def answer(self) -> Answer:
        while (first := await self.reader.readexactly(1)) == b"$":
            await self._keep(first)
        head = (first + await self.reader.readuntil(b"\r\n\r\n")).decode()
        status, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        self.session = headers.get("session", self.session).partition(";")[0]
        return Answer(int(status.split()[1]), headers, body.decode())

    async def play(self, *tracks: int) -> Answer:
        """DESCRIBE, SETUP of the tracks on channels 0, 2, …, PLAY."""
        await self.ask("DESCRIBE")
        for track in tracks or (1,):
            await self.ask("SETUP", f"{self.url}/trackID={track}", Transport=f"RTP/AVP/TCP;unicast;interleaved={2 * track - 2}-{2 * track - 1}")
        return await self.ask("PLAY")

    async def packet(self, channel: int = 0) -> bytes:
        """The next packet on a channel, without its framing."""
        seen = 0
        while True:
            while seen < len(self.packets):
                if self.packets[seen][1] == channel:
                    return self.packets.pop(seen)[4:]
                seen += 1
            await self._keep(await self.reader.readexactly(1))

    async def _keep(self, first: bytes) -> None:
        assert first == b"$", f"no framing, but {first!r}"
        head = await self.reader.readexactly(3)
        self.packets.append(first + head + await self.reader.readexactly(int.from_bytes(head[1:], "big")))


Connect = Callable[[str], Awaitable[Client]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    clients: list[Client] = []

    async def opened(url: str) -> Client:
        host, port = re.findall(r"//(?:[^@/]*@)?([^:/]+):(\d+)", url)[0]
        reader, writer = await asyncio.open_connection(host, int(port))
        clients.append(Client(reader, writer, url))
        return clients[-1]

    yield opened
    for client in clients:
        client.writer.close()
