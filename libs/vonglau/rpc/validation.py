"""What the protos themselves say of a request: REQUIRED, UUID4, page sizes that are not negative, and times that are in the calendar."""
from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from vonglau.errors import Invalid
from vonglau.rpc.annotations import is_required, is_uuid4

Check = Callable[[Message, str], None]  # (message, path of the message with a trailing dot)
UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
TIMESTAMP = "google.protobuf.Timestamp"
EARLIEST_S, LATEST_S = -62_135_596_800, 253_402_300_799  # years 1 to 9999, as the type says
NAMED = (FieldDescriptor.CPPTYPE_STRING, FieldDescriptor.CPPTYPE_ENUM)


def validate(request: Message) -> None:
    """Raises: Invalid with the field's path: FIELD_REQUIRED, REQUEST_ID_MALFORMED, PAGE_SIZE_NEGATIVE, TIME_IMPOSSIBLE."""
    for check in checks(request.DESCRIPTOR):
        check(request, "")


@cache
def checks(descriptor: Descriptor) -> tuple[Check, ...]:
    """Compiled once per message type; types that say nothing cost nothing."""
    return tuple(check for field in descriptor.fields if (check := check_of(field)) is not None)


def check_of(field: FieldDescriptor) -> Check | None:
    """All checks of one field, those of the messages within it among them."""
    parts: list[Check] = []
    if is_required(field) and can_be_empty(field):
        parts.append(partial(required, field))
    if is_uuid4(field):
        parts.append(partial(uuid4, field.name))
    if field.name == "page_size":
        parts.append(not_negative)
    if is_time(field):
        parts.append(partial(in_calendar, field.name))
    if field.message_type is not None and speaks(field.message_type):
        parts.append(partial(within, field, field.message_type))
    return partial(in_turn, parts) if parts else None


def speaks(descriptor: Descriptor, above: frozenset[str] = frozenset()) -> bool:
    """Whether a message of the type, or one within it, says anything to check; recursive types end at their repetition."""
    if descriptor.full_name in above or descriptor.file.package.startswith("google."):
        return False
    above |= {descriptor.full_name}
    return any(
        is_required(field) or is_uuid4(field) or is_time(field) or (field.message_type is not None and speaks(field.message_type, above))
        for field in descriptor.fields
    )


def in_turn(parts: list[Check], message: Message, path: str) -> None:
    for part in parts:
        part(message, path)


def can_be_empty(field: FieldDescriptor) -> bool:
    """A number's zero and its absence are the same on the wire, and zero may be meant."""
    return field.is_repeated or field.has_presence or field.cpp_type in NAMED


def required(field: FieldDescriptor, message: Message, path: str) -> None:
    present = message.HasField(field.name) if field.has_presence and not field.is_repeated else bool(getattr(message, field.name))
    if not present:
        raise Invalid("FIELD_REQUIRED", f"{path}{field.name} is required", field=f"{path}{field.name}")


def uuid4(name: str, message: Message, path: str) -> None:
    value: str = getattr(message, name)
    if value and not UUID4.fullmatch(value):
        reason = "REQUEST_ID_MALFORMED" if name == "request_id" else "UUID_MALFORMED"
        raise Invalid(reason, f"{path}{name} is not a random UUID (version 4): {value[:60]!r}", field=f"{path}{name}")


def not_negative(message: Message, path: str) -> None:
    size: int = message.page_size  # type: ignore[attr-defined]
    if size < 0:
        raise Invalid("PAGE_SIZE_NEGATIVE", f"{path}page_size is {size}; 0 asks for the default", field=f"{path}page_size")


def is_time(field: FieldDescriptor) -> bool:
    return not field.is_repeated and field.message_type is not None and field.message_type.full_name == TIMESTAMP


def in_calendar(name: str, message: Message, path: str) -> None:
    at = getattr(message, name)
    if not (EARLIEST_S <= at.seconds <= LATEST_S and 0 <= at.nanos < 1_000_000_000):
        raise Invalid("TIME_IMPOSSIBLE", f"{path}{name} is not within the years 1 to 9999, or has nanos beyond a second", field=f"{path}{name}")


def within(field: FieldDescriptor, inner: Descriptor, message: Message, path: str) -> None:
    value: Any = getattr(message, field.name)
    if field.is_repeated:
        for index, part in enumerate(value):
            for check in checks(inner):
                check(part, f"{path}{field.name}[{index}].")
    elif message.HasField(field.name):
        for check in checks(inner):
            check(value, f"{path}{field.name}.")
