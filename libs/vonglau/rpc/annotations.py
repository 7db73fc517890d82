"""What the protos say of a field beyond its type (AIP-203, AIP-155)."""
from __future__ import annotations

from typing import Any

from google.api import field_behavior_pb2, field_info_pb2
from google.protobuf.descriptor import FieldDescriptor

_BEHAVIOUR: Any = field_behavior_pb2.field_behavior
_INFO: Any = field_info_pb2.field_info


def is_required(field: FieldDescriptor) -> bool:
    return field_behavior_pb2.REQUIRED in field.GetOptions().Extensions[_BEHAVIOUR]


def is_input_only(field: FieldDescriptor) -> bool:
    """A secret: it goes in and never comes back."""
    return field_behavior_pb2.INPUT_ONLY in field.GetOptions().Extensions[_BEHAVIOUR]


def is_uuid4(field: FieldDescriptor) -> bool:
    return bool(field.GetOptions().Extensions[_INFO].format == field_info_pb2.FieldInfo.UUID4)
