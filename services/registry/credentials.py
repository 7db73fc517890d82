"""What cameras ask of whoever connects to them. It stands in the secret store and nowhere else; events carry a reference.

A reference is `camera.<camera>.<random>`, so a command that is refused or repeated never touches the secret that is in use. The secret is
stored before the event that names it; a crash between the two leaves a ciphertext that nothing refers to.
"""
from __future__ import annotations

import logging
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.registry.camera import Camera
from vonglau.errors import Damaged, Invalid, Unavailable, VonglauError
from vonglau.eventlog import Call, History
from vonglau.registry.v1.service_pb2 import Credential
from vonglau.secrets import Secrets

log = logging.getLogger(__name__)

LONGEST = 256  # characters of a username, or of a password
CONTROL = re.compile(r"[\x00-\x1f\x7f]")  # a line end would begin another header of a request to the camera


def one_credential(given: Credential | None, in_url: Credential | None) -> Credential | None:
    """Raises: Invalid (CREDENTIALS_DIFFER, CREDENTIAL_MALFORMED)."""
    if given is not None and in_url is not None and given != in_url:
        raise Invalid("CREDENTIALS_DIFFER", "the stream's URL and the field credential say different things", field="credential")
    credential = in_url if given is None else given
    for part in (credential.username, credential.password) if credential is not None else ():
        if len(part) > LONGEST or CONTROL.search(part):
            raise Invalid("CREDENTIAL_MALFORMED", f"username and password are at most {LONGEST} characters without control characters", field="credential")
    return credential


class Credentials:
    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def rehearsal(self) -> Credentials:
        return RehearsedCredentials(self._secrets)

    async def stored(self, camera: str, credential: Credential | None, present: str) -> str:
        """Reference under which the credential now stands; empty: none was given, or it is the one in use under `present`."""
        if credential is None:
            return ""
        plain = credential.SerializeToString(deterministic=True)
        if present and await self._known(present) == plain:
            return ""
        reference = f"camera.{camera}.{uuid.uuid4().hex[:16]}"
        await self._keep(reference, plain)
        return reference

    async def _known(self, reference: str) -> bytes | None:
        """None also where it cannot be opened any more, so that it can be given anew."""
        try:
            return await self._secrets.get(reference)
        except Damaged as damaged:
            log.warning("the secret %s is of no use any more (%s)", reference, damaged.reason)
            return None

    async def _keep(self, reference: str, plain: bytes) -> None:
        await self._secrets.put(reference, plain)

    @asynccontextmanager
    async def offered(self, camera: str, credential: Credential | None, history: History[Camera], call: Call) -> AsyncIterator[str]:
        """The reference for the command in the body. Where it is refused the new secret goes; where it is accepted the one before.

        history: of the camera, as it stands. A request that it has answered before stores nothing: its own secret is in place.
        """
        present = history.state.credential if history.state else ""
        reference = "" if call.request in history.answered else await self.stored(camera, credential, present)
        try:
            yield reference
        except Unavailable:
            raise  # nobody knows whether the event was stored, so the secret stays
        except VonglauError:
            await self.purge(reference)
            raise
        if reference:
            await self.purge(present)

    async def purge(self, reference: str) -> None:
        """Best effort: what stays behind is a ciphertext that nothing refers to."""
        if not reference:
            return
        try:
            await self._secrets.purge(reference)
        except Unavailable as away:
            log.warning("the secret %s is no longer needed and could not be removed: %s", reference, away)


class RehearsedCredentials(Credentials):
    """Nothing is stored or removed; what is new has a reference all the same."""

    async def _keep(self, reference: str, plain: bytes) -> None:
        """Nowhere."""

    async def purge(self, reference: str) -> None:
        """Nothing was stored."""
