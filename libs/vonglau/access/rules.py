"""Who may do what for now, as data: actions of persons, RPCs of services. The full regulation replaces these tables, not their readers."""
from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass


class Holder(enum.Enum):
    ADMINISTRATOR = "an administrator of the owner, for that owner"
    PLATFORM = "a platform administrator, for every owner"
    EITHER = "the one for their owners, the other for all"


@dataclass(frozen=True, slots=True)
class Rule:
    holder: Holder
    needs_purpose: bool = False


ADMINISTRATOR, PLATFORM, EITHER = Rule(Holder.ADMINISTRATOR), Rule(Holder.PLATFORM), Rule(Holder.EITHER)
FOOTAGE = Rule(Holder.ADMINISTRATOR, needs_purpose=True)

# Names are those of the access matrix; owner.read, owner.update, project.read and operations.* are added.
ACTIONS: Mapping[str, Rule] = {
    "owner.register": PLATFORM,
    "owner.update": PLATFORM,
    "role.bind": PLATFORM,
    "owner.read": EITHER,
    "project.register": ADMINISTRATOR,
    "project.read": ADMINISTRATOR,
    "camera.register": ADMINISTRATOR,
    "camera.read": ADMINISTRATOR,
    "camera.update": ADMINISTRATOR,
    "camera.retire": ADMINISTRATOR,
    "camera_credential.write": ADMINISTRATOR,
    "footage.view_live_raw": FOOTAGE,
    "footage.play_raw": FOOTAGE,
    "operations.read": PLATFORM,
    "operations.write": PLATFORM,
}

# service -> methods; each for every owner. Footage only where the task is footage.
SERVICES: Mapping[str, frozenset[str]] = {
    "ingest": frozenset({
        "/vonglau.ingest.v1.Ingest/ListCameraStatuses",
        "/vonglau.ingest.v1.Ingest/ReadSpool",
        "/vonglau.ingest.v1.Ingest/Watch",
        "/vonglau.registry.v1.Registry/GetCamera",
        "/vonglau.registry.v1.Registry/ListCameras",
    }),
    "recording": frozenset({
        "/vonglau.ingest.v1.Ingest/ReadSpool",
        "/vonglau.registry.v1.Registry/GetCamera",
        "/vonglau.registry.v1.Registry/ListCameras",
    }),
    "operator": frozenset({
        "/vonglau.ingest.v1.Ingest/PutPool",
        "/vonglau.ingest.v1.Ingest/DeletePool",
        "/vonglau.ingest.v1.Ingest/GetDemand",
    }),
}
