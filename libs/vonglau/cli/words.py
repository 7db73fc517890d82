"""Enum values as people write them: CAMERA_CLASS_NON_TRAFFIC is `non_traffic`."""
from __future__ import annotations

from typing import Any

from vonglau.cli.misspelt import Misspelt
from vonglau.ingest.v1 import events_pb2 as ingest
from vonglau.ingest.v1 import service_pb2 as status
from vonglau.recording.v1 import service_pb2 as recording
from vonglau.registry.v1 import events_pb2 as registry
from vonglau.registry.v1 import service_pb2 as inventory

PREFIXES: dict[Any, str] = {
    registry.CameraClass: "CAMERA_CLASS_",
    registry.CameraType: "CAMERA_TYPE_",
    registry.Purpose: "PURPOSE_",
    registry.Funding: "FUNDING_",
    registry.OnvifProfile: "ONVIF_PROFILE_",
    inventory.CameraState: "CAMERA_STATE_",
    inventory.ImportOutcome: "IMPORT_OUTCOME_",
    status.RecordingState: "RECORDING_STATE_",
    ingest.GapCause: "GAP_CAUSE_",
    recording.StretchKind: "STRETCH_KIND_",
    recording.MarkKind: "MARK_KIND_",
}


def word(enum: Any, value: int) -> str:
    """Empty for the unspecified value."""
    return str(enum.Name(value)).removeprefix(PREFIXES[enum]).lower() if value else ""


def words(enum: Any) -> list[str]:
    return [word(enum, value) for value in enum.values() if value]


def value(enum: Any, text: str, field: str) -> Any:
    """0 for the empty text.

    Raises: Misspelt (<FIELD>_UNKNOWN) naming what there is.
    """
    if not text:
        return enum.values()[0]
    name = PREFIXES[enum] + text.strip().upper()
    if name not in set(enum.keys()):
        raise Misspelt(f"{field.upper()}_UNKNOWN", f"there is no {field} {text!r}; there are: {', '.join(words(enum))}", field=field)
    return enum.Value(name)


def none_of(owner: str) -> str:
    """What stands where no camera is to be shown. owner: empty: all were asked for."""
    return f"no cameras of {owner}" if owner else "no cameras: `vonglau camera add --help`"
