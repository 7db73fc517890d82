"""Who may do what. `Access.require` is the single gate; `AccessState` the local copy that it judges by."""
from vonglau.access.gate import Access
from vonglau.access.permit import Permit, Scope, camera_not_visible, owner_not_visible
from vonglau.access.state import AccessState, CameraEntry, OwnerEntry, camera_key, owner_key, publish

__all__ = [
    "Access",
    "AccessState",
    "CameraEntry",
    "OwnerEntry",
    "Permit",
    "Scope",
    "camera_key",
    "camera_not_visible",
    "owner_key",
    "owner_not_visible",
    "publish",
]
