"""Which fields the record of a camera must have, per class (VL-10), as data."""
from __future__ import annotations

from vonglau.errors import Invalid
from vonglau.registry.v1.events_pb2 import (
    CAMERA_CLASS_DEFENCE,
    CAMERA_CLASS_NON_TRAFFIC,
    CAMERA_CLASS_TRAFFIC,
    STREAM_KIND_MAIN,
    CameraClass,
    CameraDetails,
)

EVERY_CLASS = ("display_name", "purposes", "streams")
MANDATORY = {
    CAMERA_CLASS_NON_TRAFFIC: EVERY_CLASS,
    CAMERA_CLASS_TRAFFIC: (*EVERY_CLASS, "place", "type", "pose", "notice_sign"),
    CAMERA_CLASS_DEFENCE: (*EVERY_CLASS, "place", "type", "certificate_number", "investor"),
}


def must_be_complete(details: CameraDetails) -> None:
    """Raises: Invalid (FIELD_MISSING), naming the first field that is missing, and all of them in the sentence."""
    if details.camera_class not in MANDATORY:
        raise Invalid("FIELD_MISSING", "a camera has a class: traffic, non_traffic or defence", field="details.camera_class")
    missing = [field for field in MANDATORY[details.camera_class] if not present(details, field)]
    if missing:
        named = CameraClass.Name(details.camera_class).removeprefix("CAMERA_CLASS_").lower()
        raise Invalid("FIELD_MISSING", f"a camera of class {named} also needs: {', '.join(missing)}", field=f"details.{missing[0]}")


def present(details: CameraDetails, field: str) -> bool:
    """Of the streams the main one counts: it is the one that is recorded."""
    if field == "streams":
        return any(stream.kind == STREAM_KIND_MAIN for stream in details.streams)
    if field in ("place", "pose"):
        return details.HasField(field)
    return bool(getattr(details, field))
