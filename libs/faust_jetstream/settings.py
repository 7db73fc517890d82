"""What a broker URL and the app's configuration ask for, checked once and frozen."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from yarl import URL

from .errors import BadSetting

DEFAULT_PORT = 4222
LAYOUTS = ("partition", "topic")
STORAGES = ("file", "memory")


@dataclass(frozen=True, slots=True)
class Access:
    """How the servers are reached and who asks."""

    servers: tuple[str, ...]
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    credentials: str | None = None      # path of a .creds file (JWT and seed); chooses the NATS account
    nkey_seed: str | None = None        # path of a seed file
    tls: bool = False
    tls_ca: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None
    inbox_prefix: str = "_INBOX"        # for users whose permissions name their inbox
    domain: str | None = None           # JetStream domain (leaf nodes)
    api_prefix: str | None = None       # JetStream API imported from another account
    connect_timeout: float = 10.0       # seconds until the first connection must stand


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the transport reads; times in seconds."""

    access: Access
    app: str
    prefix: str = "faust"               # of streams and subjects: two apps with different prefixes never meet
    layout: str = "partition"           # of topics that this app creates
    storage: str = "file"
    replicas: int = 1
    duplicate_window: float = 120.0     # how long an output's repetition is recognised
    tombstone_ttl: int = 86400          # how long a deleted table key stays readable for slow standbys
    lease: float = 60.0                 # a worker that is silent for so long loses its partitions
    beat: float = 3.0                   # between renewals
    grace: float = 30.0                 # how long a stopping worker waits for events in work
    request_timeout: float = 90.0       # how long a commit or publish is tried
    rebalance_timeout: float = 60.0     # how long the leader waits for members to give up their partitions
    max_inflight: int = 4096            # unconfirmed publishes
    fetch: int = 1000                   # messages asked for at once, per partition
    state_bytes: int = -1               # bound of the state stream when it is made, in bytes; -1: none
    trace: bool = False

    @property
    def lease_ttl(self) -> int:
        """Whole seconds, the server's unit, after which it drops a lease: the last second of the lease is for the others to notice."""
        return int(self.lease) - 1


_TEXT = ("prefix", "layout", "storage", "token", "credentials", "nkey_seed", "tls_ca", "tls_cert", "tls_key", "inbox_prefix", "domain", "api_prefix")
_WHOLE = ("replicas", "tombstone_ttl", "max_inflight", "fetch", "state_bytes")
_SECONDS = ("duplicate_window", "lease", "grace", "connect_timeout")
_FLAGS = ("tls", "trace")
OPTIONS = tuple(sorted((*_TEXT, *_WHOLE, *_SECONDS, *_FLAGS)))
_OF_ACCESS = frozenset(Access.__dataclass_fields__)


def read_settings(urls: Sequence[URL], conf: Any) -> Settings:
    """Settings of an app from its broker URLs (the first one's query counts) and its Faust configuration.

    Raises BadSetting.
    """
    first = urls[0]
    options = read_options(first.query)
    access = Access(
        servers=tuple(f"nats://{url.host or '127.0.0.1'}:{url.port or DEFAULT_PORT}" for url in urls),
        user=first.user,
        password=first.password,
        **{name: value for name, value in options.items() if name in _OF_ACCESS},
    )
    own = {name: value for name, value in options.items() if name not in _OF_ACCESS}
    own.setdefault("replicas", int(conf.topic_replication_factor or 1))
    own.setdefault("lease", float(conf.broker_session_timeout))
    settings = _checked(
        Settings(
            access=access,
            app=conf.id,
            request_timeout=float(conf.broker_request_timeout),
            rebalance_timeout=float(conf.broker_rebalance_timeout),
            **own,
        )
    )
    return replace(settings, beat=min(settings.lease_ttl / 3, float(conf.broker_heartbeat_interval)))


def read_options(query: Mapping[str, str]) -> dict[str, Any]:
    """The query of a broker URL as typed values; raises BadSetting for a name or value it does not know."""
    values: dict[str, Any] = {}
    for name, text in query.items():
        if name not in OPTIONS:
            near = difflib.get_close_matches(name, OPTIONS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(OPTIONS)}"
            raise BadSetting(f"broker URL: unknown option {name!r}; {hint}")
        values[name] = _value(name, text)
    return values


def _value(name: str, text: str) -> Any:
    try:
        if name in _WHOLE:
            return int(text)
        if name in _SECONDS:
            return float(text)
    except ValueError:
        raise BadSetting(f"broker URL: {name}={text!r} is not a number") from None
    if name in _FLAGS:
        if text not in ("0", "1"):
            raise BadSetting(f"broker URL: {name}={text!r}, give 0 or 1")
        return text == "1"
    return text


def _checked(settings: Settings) -> Settings:
    if settings.layout not in LAYOUTS:
        raise BadSetting(f"broker URL: layout={settings.layout!r}, give one of {', '.join(LAYOUTS)}")
    if settings.storage not in STORAGES:
        raise BadSetting(f"broker URL: storage={settings.storage!r}, give one of {', '.join(STORAGES)}")
    if not settings.prefix.replace("-", "").replace("_", "").isalnum():
        raise BadSetting(f"broker URL: prefix={settings.prefix!r}, use letters, digits, - and _ (it begins subjects and stream names)")
    if settings.lease < 3:
        raise BadSetting(f"lease of {settings.lease} s: the server counts leases in whole seconds, give at least 3 (lease= or broker_session_timeout)")
    if not 1 <= settings.replicas <= 5:
        raise BadSetting(f"replicas={settings.replicas}: JetStream keeps 1 to 5 copies")
    return settings
