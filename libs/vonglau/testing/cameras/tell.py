"""`python -m vonglau.testing.cameras.tell rtsp://… stall=0,15 skew=7.3`: change a camera that runs in another process."""

import argparse
import asyncio
import base64
import re
from urllib.parse import unquote, urlsplit

from vonglau.testing.cameras.door import md5
from vonglau.testing.cameras.faults import UnknownFaultError

TIMEOUT = 5.0  # seconds for the whole exchange


async def tell(url: str, **settings: str | float) -> None:
    """Set faults of the camera behind `url` (its credentials are used), by SET_PARAMETER. Moments count from now.

    Raises UnknownFaultError for a setting that the camera doesn't know, ConnectionError for any other refusal.
    """
    parts = urlsplit(url)
    bare = f"rtsp://{parts.hostname}:{parts.port or 554}{parts.path}"
    body = "".join(f"{name}: {value}\r\n" for name, value in settings.items()).encode()
    async with asyncio.timeout(TIMEOUT):
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 554)
        try:
            head = await ask(reader, writer, bare, body, "")
            if head.startswith("RTSP/1.0 401"):
                answer = authorization(head, unquote(parts.username or ""), unquote(parts.password or ""), bare)
                head = await ask(reader, writer, bare, body, f"Authorization: {answer}\r\n")
        finally:
            writer.close()
    if head.startswith("RTSP/1.0 451"):
        raise UnknownFaultError(f"the camera doesn't know one of {', '.join(settings)}, or its value")
    if not head.startswith("RTSP/1.0 200"):
        raise ConnectionError(head.partition("\r\n")[0])


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, url: str, body: bytes, extra: str) -> str:
    head = f"SET_PARAMETER {url} RTSP/1.0\r\nCSeq: 1\r\nContent-Type: text/parameters\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
    return (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")


def authorization(head: str, user: str, password: str, url: str) -> str:
    """Answer to the challenge in `head`: basic, or digest without qop (RFC 2617 §3.2.2.1 lets a client choose so)."""
    if "Basic realm=" in head:
        return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    told = dict(re.findall(r'(realm|nonce)="([^"]*)"', head))
    if len(told) != 2:
        raise ConnectionError("the camera refuses without a challenge")
    realm, nonce = told["realm"], told["nonce"]
    response = md5(":".join([md5(f"{user}:{realm}:{password}"), nonce, md5(f"SET_PARAMETER:{url}")]))
    return f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{url}", response="{response}"'


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m vonglau.testing.cameras.tell", description="Change a simulated camera that is running")
    parser.add_argument("url")
    parser.add_argument("faults", nargs="+", metavar="name=value")
    told = parser.parse_args()
    asyncio.run(tell(told.url, **dict(fault.split("=", 1) for fault in told.faults)))


if __name__ == "__main__":
    main()
