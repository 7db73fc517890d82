"""The local copy of who has rights over what, kept by watching the bucket `access_state`; registry writes it, every service reads it.

    owner.<id>    {"administrators": ["lan", …], "version": n}
    camera.<id>   {"owner": "police", "class": "traffic", "version": n}

version is the sequence of the event in es_registry that the value stands for: values never go back, whoever writes them again.
"""
from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from dataclasses import dataclass

import orjson

from vonglau.broker import Entry, KeyValue
from vonglau.clock import Clock, SystemClock
from vonglau.ending import ended
from vonglau.errors import LostRace, Unavailable
from vonglau.telemetry import count
from vonglau.telemetry.names import ERROR_TYPE, LOOP, LOOP_ERRORS

logger = logging.getLogger(__name__)

STALE_AFTER_S = 30.0
BEAT_S = 2.0  # between two looks at whether anything is pending
LOOK_S = 1.0  # for one look; an answer that a crash swallowed is not waited for longer
_ATTEMPTS = 16


@dataclass(frozen=True, slots=True)
class OwnerEntry:
    administrators: frozenset[str]  # ids of persons
    version: int = 0

    def encode(self) -> bytes:
        return orjson.dumps({"administrators": sorted(self.administrators), "version": self.version})


@dataclass(frozen=True, slots=True)
class CameraEntry:
    owner: str
    camera_class: str = ""  # traffic, non_traffic, defence
    version: int = 0

    def encode(self) -> bytes:
        return orjson.dumps({"owner": self.owner, "class": self.camera_class, "version": self.version})


def owner_key(owner: str) -> str:
    return f"owner.{owner}"


def camera_key(camera: str) -> str:
    return f"camera.{camera}"


def decode(key: str, value: bytes) -> OwnerEntry | CameraEntry:
    """Raises: ValueError."""
    try:
        fields = orjson.loads(value)
        match key.partition(".")[0]:
            case "owner":
                return OwnerEntry(frozenset(ids(fields["administrators"])), int(fields["version"]))
            case "camera":
                return CameraEntry(str(fields["owner"]), str(fields["class"]), int(fields["version"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"{key}: {error!r}") from error
    raise ValueError(f"{key}: neither an owner nor a camera")


def ids(value: object) -> list[str]:
    """Raises: TypeError. A text is no list of its letters, each of which may be somebody."""
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise TypeError(f"not a list of ids: {value!r}")
    return value


async def publish(kv: KeyValue, key: str, entry: OwnerEntry | CameraEntry) -> bool:
    """Write the entry unless the bucket has this version or a newer one; False: it had. Safe to repeat and to race.

    Raises: Unavailable.
    """
    for _ in range(_ATTEMPTS):
        present = await kv.get(key)
        if present is not None and present.value is not None:
            with contextlib.suppress(ValueError):  # a damaged value is written over
                if decode(key, present.value).version >= entry.version:
                    return False
        try:
            await kv.update(key, entry.encode(), present.revision if present else 0)
        except LostRace:
            continue
        return True
    raise Unavailable("ACCESS_STATE_CONTENDED", f"others keep writing {key}")


class AccessState:
    """`async with AccessState(kv) as state`: loaded when entered, followed until left."""

    def __init__(self, kv: KeyValue, *, clock: Clock | None = None, beat_s: float = BEAT_S) -> None:
        self._kv = kv
        self._clock = clock or SystemClock()
        self._beat_s = beat_s
        self._cameras: dict[str, CameraEntry] = {}
        self._owners: dict[str, OwnerEntry] = {}
        self._administered: defaultdict[str, set[str]] = defaultdict(set)  # person -> owners
        self._seen = 0  # newest revision taken in
        self._fresh_at = float("-inf")  # monotonic s
        self._changed = asyncio.Condition()
        self._loaded = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> AccessState:
        self._tasks = [asyncio.create_task(self._follow(), name="access state"), asyncio.create_task(self._beat(), name="access state beat")]
        try:
            await self._loaded.wait()
        except asyncio.CancelledError:
            await ended(self._tasks)
            raise
        return self

    async def __aexit__(self, *exception: object) -> None:
        await ended(self._tasks)

    @property
    def age(self) -> float:
        """Seconds since it was last known that nothing is pending; infinite before it is loaded."""
        return self._clock.monotonic() - self._fresh_at

    def camera(self, camera: str) -> CameraEntry | None:
        return self._cameras.get(camera)

    def administered_by(self, person: str) -> frozenset[str]:
        """The owners that the person is bound to."""
        return frozenset(self._administered.get(person, ()))

    async def changed(self, within: float) -> None:
        """Wait for the next change, at most so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within), self._changed:
                await self._changed.wait()

    async def apply(self, entry: Entry) -> None:
        """Take in one entry of the bucket. A value that cannot be read takes the rights away that it gave."""
        decoded: OwnerEntry | CameraEntry | None = None
        if entry.value is not None:
            try:
                decoded = decode(entry.key, entry.value)
            except ValueError:
                logger.exception("access state: %s cannot be read; nobody has rights by it", entry.key)
        kind, _, name = entry.key.partition(".")
        self._take(kind, name, decoded)
        self._seen = max(self._seen, entry.revision)
        async with self._changed:
            self._changed.notify_all()

    def _take(self, kind: str, name: str, entry: OwnerEntry | CameraEntry | None) -> None:
        if kind == "camera":
            self._cameras.pop(name, None)
            if isinstance(entry, CameraEntry):
                self._cameras[name] = entry
        elif kind == "owner":
            before = self._owners.pop(name, None)
            for person in before.administrators if before else ():
                self._administered[person].discard(name)
            if isinstance(entry, OwnerEntry):
                self._owners[name] = entry
                for person in entry.administrators:
                    self._administered[person].add(name)

    async def _follow(self) -> None:
        while True:
            try:
                async for entry in self._kv.watch():
                    if entry is None:
                        self._loaded.set()
                    else:
                        await self.apply(entry)
            except Exception as error:  # the outer edge: without it nobody's rights would change any more
                count(LOOP_ERRORS, labels={LOOP: "access", ERROR_TYPE: type(error).__name__})
                logger.exception("access state: it cannot be followed; begun anew")
                await asyncio.sleep(self._beat_s)

    async def _beat(self) -> None:
        """Ask the bucket for its newest revision; while it is the one taken in, the copy is fresh."""
        await self._loaded.wait()
        while True:
            asked_at = self._clock.monotonic()
            with contextlib.suppress(Unavailable, TimeoutError):  # then the copy ages, which is what its readers go by
                async with asyncio.timeout(LOOK_S):
                    newest = await self._kv.get(">")
                if newest is None or newest.revision <= self._seen:
                    self._fresh_at = asked_at
            await asyncio.sleep(self._beat_s)
