from dataclasses import dataclass, field
from urllib.parse import unquote

from services.ingest.rtsp.errors import Refused

_DEFAULT_PORT = 554


@dataclass(frozen=True, slots=True)
class Credentials:
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CameraAddress:
    host: str
    port: int
    request_uri: str = field(repr=False)                     # what goes into requests: with credentials where the camera wants them there, else without


def parse_url(url: str) -> tuple[CameraAddress, Credentials | None]:
    """`rtsp://[user[:password]@]host[:port][/path][?query]`. Passwords may hold any character, also '@' and '/', escaped or not. Raises `Refused`."""
    scheme, found, rest = url.strip().partition("://")
    if not found or scheme.lower() != "rtsp":
        raise Refused("the address is no rtsp:// URL")
    credentials = None
    user_info, at, location = _split_user(rest)
    if at:
        user, _, password = user_info.partition(":")
        credentials = Credentials(unquote(user), unquote(password))
    authority_end = next((index for index, letter in enumerate(location) if letter in "/?"), len(location))
    authority, path = location[:authority_end], location[authority_end:]
    host, port = _split_port(authority)
    return CameraAddress(host, port, f"rtsp://{authority}{path or '/'}"), credentials


def _split_user(rest: str) -> tuple[str, str, str]:
    """An '@' in the path is part of the path unless something that can only be a password comes before it."""
    slash = rest.find("/")
    before_path = rest if slash < 0 else rest[:slash]
    if "@" in before_path:
        cut = before_path.rindex("@")
    elif ":" in before_path and "@" in rest and not before_path.rpartition(":")[2].isdigit():
        cut = rest.rindex("@")
    else:
        return "", "", rest
    return rest[:cut], "@", rest[cut + 1:]


def _split_port(authority: str) -> tuple[str, int]:
    host, port = authority, ""
    if authority.startswith("["):
        inside, closed, after = authority[1:].partition("]")
        if not closed:
            raise Refused("the address has no valid host")
        host, port = inside, after.removeprefix(":")
    elif ":" in authority:
        host, _, port = authority.rpartition(":")
    if not host or (port and not (port.isdecimal() and 0 < int(port) < 65_536)):
        raise Refused("the address has no valid host and port")
    return host, int(port) if port else _DEFAULT_PORT
