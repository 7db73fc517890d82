"""Many cameras at once: row by row registered, changed, left or refused, in batches that are each stored whole or not at all.

A row is the camera that it names; else the owner's camera that has its serial number, else the one that has its main stream's URL, else a new
one whose id derives from those. So the same rows again find the same cameras and change nothing. A field that a row leaves empty says
nothing and changes nothing.
"""
from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from google.protobuf.field_mask_pb2 import FieldMask

from services.registry.camera import CAMERA, Beside, Camera, Event, camera_stream, change, merged, register
from services.registry.claim import CLAIM, Value, claim_stream, unique_values
from services.registry.credentials import Credentials, one_credential
from services.registry.details import normal_details
from services.registry.journal import Journal
from services.registry.reading import Reading
from vonglau.access import Permit
from vonglau.ending import Parts
from vonglau.errors import AlreadyExists, Conflict, Exhausted, Invalid, VonglauError
from vonglau.eventlog import Call, Command, On, Version, checked_id
from vonglau.registry.v1.events_pb2 import STREAM_KIND_MAIN, CameraDetails
from vonglau.registry.v1.service_pb2 import (
    CAMERA_STATE_RETIRED,
    IMPORT_OUTCOME_CHANGED,
    IMPORT_OUTCOME_REFUSED,
    IMPORT_OUTCOME_REGISTERED,
    IMPORT_OUTCOME_UNCHANGED,
    ChangeCameraRequest,
    Credential,
    ImportOutcome,
    ImportResult,
    ImportRow,
    RegisterCameraRequest,
)

MOST_ROWS_AT_ONCE = 250
MOST_EVENTS = 1000  # of one atomic batch
ROUNDS = 3  # how often rows are read again whose camera changed meanwhile
SECRETS_AT_ONCE = 64


class Permits(NamedTuple):
    """What the importing caller got for one owner."""

    register: Permit
    change: Permit


class Asked(NamedTuple):
    owner: str
    with_credential: bool


@dataclass(slots=True)
class Row:
    """One row on its way to its result."""

    number: int
    owner: str
    camera: str  # empty until it is found
    key: Value | None  # by which it is found; None: the row names its camera
    details: CameraDetails
    credential: Credential | None
    before: Camera | None = None
    reference: str = ""
    outcome: ImportOutcome = IMPORT_OUTCOME_REFUSED

    @property
    def asked(self) -> Asked:
        return Asked(self.owner, self.credential is not None)

    @property
    def change(self) -> ChangeCameraRequest:
        mask = FieldMask(paths=[field.name for field, _ in self.details.ListFields()])
        return ChangeCameraRequest(camera=self.camera, details=self.details, update_mask=mask)

    @property
    def reading(self) -> Reading | None:
        """None where the row changes nothing, as far as is known."""
        after = self.details if self.before is None else merged(self.before.details, self.change)
        if self.before is not None and after == self.before.details and not self.reference:
            return None
        return Reading.between("", self.before.details, after) if self.before else Reading.between(self.owner, CameraDetails(), after)

    def decide(self, camera: Camera | None, beside: Beside, permits: Permits) -> Iterable[Event | On]:
        if camera is None:
            self.outcome = IMPORT_OUTCOME_REGISTERED
            request = RegisterCameraRequest(camera=self.camera, owner=self.owner, details=self.details)
            return register(None, beside, request, permits.register, self.reference)
        lost = self.key is not None and self.key not in unique_values(camera.details) and camera.state != CAMERA_STATE_RETIRED
        if camera.owner != self.owner or lost:
            raise AlreadyExists("CAMERA_ID_TAKEN", f"there is another camera {self.camera!r}; give this one an id of its own", camera=self.camera)
        events = list(change(camera, beside, self.change, permits.change, self.reference))
        self.outcome = IMPORT_OUTCOME_CHANGED if events else IMPORT_OUTCOME_UNCHANGED
        return events


class BulkImport:
    """One run over any number of rows."""

    def __init__(self, journal: Journal, credentials: Credentials, permits: Callable[[str, bool], Awaitable[Permits]], call: Call, most: int) -> None:
        """permits: by owner and whether a credential comes along, may raise Denied. most: rows of one run."""
        self._journal = journal
        self._credentials = credentials
        self._permits = permits
        self._call = call
        self._most = most
        self._first: dict[str | Value, int] = {}  # ids and unique values of this run -> number of the first row that has them
        self._taken = 0

    async def take(self, rows: Sequence[ImportRow]) -> list[ImportResult]:
        """One result per row, in their order. Raises: Exhausted (IMPORT_TOO_LARGE), Unavailable."""
        self._taken += len(rows)
        if self._taken > self._most:
            raise Exhausted("IMPORT_TOO_LARGE", f"one import has at most {self._most} rows; send the rest in another")
        read = [self._read(row) for row in rows]
        waiting = [row for row in read if isinstance(row, Row)]
        results: dict[int, ImportResult] = {}
        for last in (False,) * (ROUNDS - 1) + (True,):
            results |= await self._round(waiting, last)
            waiting = [row for row in waiting if id(row) not in results]
        return [results[id(row)] if isinstance(row, Row) else row for row in read]

    def _read(self, row: ImportRow) -> Row | ImportResult:
        try:
            details, in_url = normal_details(row.details)
            credential = one_credential(row.credential if row.HasField("credential") else None, in_url)
            camera = checked_id("camera", row.camera) if row.camera else ""
            key = None if camera else natural_key(details)
            self._must_be_first(row.row, [*unique_values(details), *([camera] if camera else [])])
            return Row(row.row, checked_id("owner", row.owner), camera, key, details, credential)
        except VonglauError as error:
            return refused(row.row, row.camera, error)

    def _must_be_first(self, number: int, names: list[str | Value]) -> None:
        for name in names:
            if name in self._first:
                what = "camera id" if isinstance(name, str) else "serial number or stream URL"
                first = self._first[name]
                raise Invalid("ROW_REPEATED", f"row {first} of this import has the same {what}", first_row=str(first))
        self._first.update(dict.fromkeys(names, number))

    async def _round(self, rows: list[Row], last: bool) -> dict[int, ImportResult]:
        """Results by the rows' identity; rows that are to be decided again have none, unless it is the last round."""
        permits, results = await self._permitted(rows)
        rows = [row for row in rows if id(row) not in results]
        await self._find(rows)
        await self._store_credentials(rows)
        for batch in batches(rows):
            outcomes = await self._journal.log.decide_each([self._command(row, permits[row.asked]) for row in batch])
            for row, outcome in zip(batch, outcomes, strict=True):
                await self._settle_credential(row, isinstance(outcome, Version))
                if isinstance(outcome, Version):
                    results[id(row)] = ImportResult(row=row.number, outcome=row.outcome, camera=row.camera, version=str(outcome))
                elif last or not isinstance(outcome, Conflict):
                    results[id(row)] = refused(row.number, row.camera, outcome)
        return results

    async def _permitted(self, rows: list[Row]) -> tuple[dict[Asked, Permits], dict[int, ImportResult]]:
        """Permits by what was asked for, and the refusals of rows for which there are none."""
        permits: dict[Asked, Permits] = {}
        denied: dict[Asked, VonglauError] = {}
        for asked in {row.asked for row in rows}:
            try:
                permits[asked] = await self._permits(*asked)
            except VonglauError as error:
                denied[asked] = error
        return permits, {id(row): refused(row.number, row.camera, denied[row.asked]) for row in rows if row.asked in denied}

    async def _find(self, rows: list[Row]) -> None:
        """Which camera each row is, and how it stands."""
        keys = {row.key for row in rows if row.key is not None}
        claims = await self._journal.log.load_many([claim_stream(key) for key in keys], CLAIM)
        holders = {key: claims[claim_stream(key)].state for key in keys}
        for row in rows:
            if row.key is not None:
                claim = holders[row.key]
                row.camera = claim.holder if claim is not None and claim.holder else derived_id(row.owner, row.key)
        await self._read_cameras(rows)
        for row in rows:
            if row.key is not None and row.before is not None and row.before.owner != row.owner:
                row.camera, row.before = derived_id(row.owner, row.key), None  # of another owner: it stays unseen, and the claim refuses the row

    async def _read_cameras(self, rows: list[Row]) -> None:
        cameras = await self._journal.log.load_many({camera_stream(row.camera) for row in rows}, CAMERA)
        for row in rows:
            row.before = cameras[camera_stream(row.camera)].state

    async def _store_credentials(self, rows: list[Row]) -> None:
        limit = asyncio.Semaphore(SECRETS_AT_ONCE)

        async def store(row: Row) -> None:
            async with limit:
                row.reference = await self._credentials.stored(row.camera, row.credential, row.before.credential if row.before else "")

        async with Parts() as parts:
            for row in rows:
                if row.credential is not None:
                    parts.start(store(row))
            await parts.over()

    async def _settle_credential(self, row: Row, accepted: bool) -> None:
        """The secret that is no longer needed: the one before, or the one that was offered."""
        if row.reference:
            await self._credentials.purge(row.before.credential if accepted and row.before else "" if accepted else row.reference)

    def _command(self, row: Row, permits: Permits) -> Command[Camera]:
        call = replace(self._call, request_id=f"{self._call.correlation}:{row.number}")  # after a lost acknowledgement the row knows its own event
        reading = row.reading
        if reading is None:
            return Command(camera_stream(row.camera), CAMERA, lambda camera: row.decide(camera, Beside(), permits), call)
        return Command(
            camera_stream(row.camera), CAMERA, reading.decision(lambda camera, beside: row.decide(camera, beside, permits)), call, reading.alongside
        )


def natural_key(details: CameraDetails) -> Value:
    """Raises: Invalid (ROW_UNNAMED)."""
    main = {stream.url for stream in details.streams if stream.kind == STREAM_KIND_MAIN}
    values = sorted(unique_values(details))  # a serial number comes first
    for value in values:
        if value.text == details.serial_number or value.text in main:
            return value
    raise Invalid("ROW_UNNAMED", "a row needs a camera id, a serial number or the URL of a main stream")


def derived_id(owner: str, key: Value) -> str:
    seed = f"{owner}\0{key.kind}\0{key.text}"
    return f"cam-{hashlib.sha256(seed.encode()).hexdigest()[:16]}"


def batches(rows: list[Row]) -> Iterator[list[Row]]:
    """Slices of which the events fit into one atomic batch."""
    batch: list[Row] = []
    events = 0
    for row in rows:
        most = 1 + len(reading.values) if (reading := row.reading) else 0
        if events + most > MOST_EVENTS:
            yield batch
            batch, events = [], 0
        batch.append(row)
        events += most
    if batch:
        yield batch


def refused(number: int, camera: str, error: VonglauError) -> ImportResult:
    return ImportResult(row=number, outcome=IMPORT_OUTCOME_REFUSED, camera=camera, reason=error.reason, message=error.message)
