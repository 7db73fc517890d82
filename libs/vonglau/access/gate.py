"""The one gate: every decision on rights is taken here, and nowhere else."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from vonglau.access.permit import Permit, Scope, camera_not_visible, owner_not_visible
from vonglau.access.rules import ACTIONS, SERVICES, Holder
from vonglau.access.state import STALE_AFTER_S, CameraEntry
from vonglau.clock import Clock, SystemClock
from vonglau.errors import Denied, Unavailable, VonglauError
from vonglau.eventlog import Call
from vonglau.identity import Caller
from vonglau.registry.v1.events_pb2 import Purpose

SETTLE_S = 0.25
NOBODY, EVERYBODY = Scope(frozenset()), Scope(None)


class State(Protocol):
    """What the gate reads of `AccessState`."""

    @property
    def age(self) -> float: ...

    def camera(self, camera: str) -> CameraEntry | None: ...

    def administered_by(self, person: str) -> frozenset[str]: ...

    async def changed(self, within: float) -> None: ...


class Access:
    def __init__(
        self,
        state: State,
        platform_admins: Iterable[str] = (),
        services: Mapping[str, frozenset[str]] = SERVICES,
        *,
        stale_after_s: float = STALE_AFTER_S,
        settle_s: float = SETTLE_S,
        clock: Clock | None = None,
    ) -> None:
        """platform_admins: ids of persons. settle_s: how long a refusal waits for the local copy to catch up with what was just written;
        every refusal that depends on the copy takes that long, so that its time does not tell what exists.
        """
        self._state = state
        self._platform_admins = frozenset(platform_admins)
        self._services = services
        self._stale_after_s = stale_after_s
        self._settle_s = settle_s
        self._clock = clock or SystemClock()

    async def require(self, call: Call, action: str, *, owner: str = "", camera: str = "", purpose: int = 0, case: str = "") -> Permit:
        """A permit for one owner, for one camera, or, with neither, for all that the caller may do the action on.

        purpose: vonglau.registry.v1.Purpose. case: reference of an open case.
        Raises: Denied (ROLE_NOT_PERMITTED, SERVICE_NOT_PERMITTED, CAMERA_NOT_VISIBLE, OWNER_NOT_VISIBLE, PURPOSE_MISMATCH),
        Unavailable (ACCESS_STATE_STALE) where it would be a refusal, but the local copy is too old to say so.
        """
        caller = Caller.parse(call.actor)
        refusal = self._refusal(call, caller, action, owner, camera)
        if refusal is not None and self._may_change(caller, action):
            refusal = await self._settled(call, caller, action, owner, camera)
        if refusal is not None:
            raise refusal
        if ACTIONS[action].needs_purpose and caller.kind == "person" and (not purpose or purpose not in Purpose.values()):
            raise Denied("PURPOSE_MISMATCH", "footage is used for a stated purpose; the call states none that is known")
        return Permit(caller, action, self._covered(call, action, owner, camera), call, camera, purpose, case)

    def scope(self, call: Call, action: str) -> Scope:
        """All that `require` would permit the caller now, purpose given; for lists. Nothing is raised: an empty scope is an empty list."""
        caller = Caller.parse(call.actor)
        if caller.kind == "service":
            return EVERYBODY if call.method in self._services.get(caller.id, ()) else NOBODY
        holder = ACTIONS[action].holder
        if holder is not Holder.ADMINISTRATOR and caller.id in self._platform_admins:
            return EVERYBODY
        return NOBODY if holder is Holder.PLATFORM else Scope(self._state.administered_by(caller.id))

    def _covered(self, call: Call, action: str, owner: str, camera: str) -> frozenset[str] | None:
        """As narrow as what was asked for; a camera that the copy does not know yet is left to `must_cover`."""
        known = self._state.camera(camera) if camera else None
        if owner or known:
            return frozenset({known.owner if known else owner})
        return self.scope(call, action).owners

    def _refusal(self, call: Call, caller: Caller, action: str, owner: str, camera: str) -> VonglauError | None:
        scope = self.scope(call, action)
        if caller.kind == "service":
            return Denied("SERVICE_NOT_PERMITTED", f"{caller} may not call {call.method}") if scope.is_empty else None
        if camera:
            known = self._state.camera(camera)
            visible = scope.covers(known.owner) and owner in ("", known.owner) if known else scope.owners is None
            return None if visible else camera_not_visible(camera)
        if owner and not scope.covers(owner):
            return owner_not_visible(owner) if ACTIONS[action].holder is not Holder.PLATFORM else self._not_permitted(caller, action)
        return self._not_permitted(caller, action) if scope.is_empty else None

    async def _settled(self, call: Call, caller: Caller, action: str, owner: str, camera: str) -> VonglauError | None:
        """The refusal that still stands after the copy had time to catch up; None when it fell."""
        until = self._clock.monotonic() + self._settle_s
        refusal = self._refusal(call, caller, action, owner, camera)
        while refusal is not None and (left := until - self._clock.monotonic()) > 0:
            await self._state.changed(left)
            refusal = self._refusal(call, caller, action, owner, camera)
        if refusal is not None and self._state.age > self._stale_after_s:
            return Unavailable("ACCESS_STATE_STALE", "who has which rights cannot be confirmed at the moment")
        return refusal

    def _may_change(self, caller: Caller, action: str) -> bool:
        return caller.kind == "person" and ACTIONS[action].holder is not Holder.PLATFORM

    def _not_permitted(self, caller: Caller, action: str) -> Denied:
        return Denied("ROLE_NOT_PERMITTED", f"{caller} has no role that permits {action}", action=action)
