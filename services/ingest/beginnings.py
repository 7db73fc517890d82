"""What has to be known of a camera before it goes on air: what became of it before, where it is, and with which credentials."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, TypeVar

from google.protobuf.message import DecodeError, Message

from services.ingest.causes import Cause
from services.ingest.predecessor import Found, Past, predecessor
from services.ingest.roster import Listed
from services.ingest.rtsp.errors import Refused
from services.ingest.rtsp.url import Credentials, parse_url
from services.ingest.segment import ClosedSegment
from services.ingest.session import Source
from vonglau.clock import Clock
from vonglau.errors import Unavailable, VonglauError
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_REFUSED, GAP_CAUSE_UNASSIGNED, GAP_CAUSE_UNAUTHORISED, GapCause, InterruptionObserved, SegmentRecorded
from vonglau.media.url_credentials import put_in
from vonglau.registry.v1.service_pb2 import Credential
from vonglau.secrets import Secrets

M = TypeVar("M", bound=Message)


class Facts(Protocol):
    async def newest(self, kind: str, key: str) -> bytes | None: ...


class Withheld(Exception):
    """The camera is meant to be recorded and can't be, as its record stands."""

    def __init__(self, cause: GapCause, detail: str, *, may_pass: bool = False) -> None:
        """detail: for people; no credentials, no addresses. may_pass: it is worth trying again without a change of the record."""
        super().__init__(detail)
        self.cause = cause
        self.detail = detail
        self.may_pass = may_pass


class Beginnings:
    def __init__(self, secrets: Secrets, facts: Facts, spooled: Callable[[str], list[ClosedSegment]], clock: Clock) -> None:
        """spooled: what this process's spool holds of a camera."""
        self._secrets = secrets
        self._facts = facts
        self._spooled = spooled
        self._clock = clock

    async def found(self, camera: str, epoch: int, *, is_inherited: bool) -> Found:
        """How the camera's past ended. is_inherited: it was recorded here, and by nobody else since. Raises: Unavailable."""
        spooled = self._spooled(camera)  # first: what is stored and freed meanwhile is the newest fact then
        segment = read(SegmentRecorded, await self._facts.newest("segment", camera))
        interruption = read(InterruptionObserved, await self._facts.newest("interruption", camera))
        if interruption is not None and not is_inherited and interruption.cause != GAP_CAUSE_UNASSIGNED:
            interruption = None  # whoever had it tells how that ended
        cause = Cause.WRITER_FAILED if is_inherited else Cause.MOVED
        return predecessor(spooled, segment, interruption, Past(epoch, self._clock.now_ns(), cause))

    async def source(self, listed: Listed) -> Source:
        """Raises: Withheld, Unavailable."""
        if not listed.url:
            raise Withheld(GAP_CAUSE_REFUSED, "its record names no main stream")
        try:
            address, _ = parse_url(listed.url)
        except Refused as error:
            raise Withheld(GAP_CAUSE_REFUSED, str(error)) from error
        credentials = await self._credentials(listed.credential)
        if credentials is not None:
            address = replace(address, request_uri=put_in(address.request_uri, credentials.user, credentials.password))
        return Source(address, credentials)

    async def _credentials(self, reference: str) -> Credentials | None:
        """None also where the secret is gone: the change that names the next one is on its way."""
        if not reference:
            return None
        try:
            plain = await self._secrets.get(reference)
            credential = None if plain is None else Credential.FromString(plain)
        except Unavailable:
            raise
        except (VonglauError, DecodeError) as error:
            raise Withheld(GAP_CAUSE_UNAUTHORISED, "its credentials are stored, but can't be opened", may_pass=True) from error
        return None if credential is None else Credentials(credential.username, credential.password)


def read(kind: type[M], body: bytes | None) -> M | None:
    """None where there is nothing, or nothing that can be read."""
    try:
        return None if body is None else kind.FromString(body)
    except DecodeError:
        return None
