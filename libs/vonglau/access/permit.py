"""What came out of a decision on rights, carried into the decision on the aggregate."""
from __future__ import annotations

from dataclasses import dataclass

from vonglau.errors import Denied
from vonglau.eventlog import Call
from vonglau.identity import Caller


@dataclass(frozen=True, slots=True)
class Scope:
    """The owners over whose things a caller may do an action. None: every owner."""

    owners: frozenset[str] | None

    def covers(self, owner: str) -> bool:
        return self.owners is None or owner in self.owners

    @property
    def is_empty(self) -> bool:
        return self.owners is not None and not self.owners


@dataclass(frozen=True, slots=True)
class Permit:
    """The caller may do the action on what belongs to these owners (None: to any). camera: the one that was asked for, where one was."""

    caller: Caller
    action: str
    owners: frozenset[str] | None
    call: Call
    camera: str = ""
    purpose: int = 0  # vonglau.registry.v1.Purpose
    case: str = ""

    def must_cover(self, owner: str) -> None:
        """Check again against the aggregate's true state, since the rights were judged on a local copy.

        Raises: Denied, in the same words as when the thing does not exist.
        """
        if not Scope(self.owners).covers(owner):
            raise camera_not_visible(self.camera) if self.camera else owner_not_visible(owner)


def camera_not_visible(camera: str) -> Denied:
    """Whether there is no such camera or the caller may not know of it."""
    return Denied("CAMERA_NOT_VISIBLE", f"there is no camera {camera!r}, or it is not yours", camera=camera)


def owner_not_visible(owner: str) -> Denied:
    return Denied("OWNER_NOT_VISIBLE", f"there is no owner {owner!r}, or you do not administer it", owner=owner)
