"""A request as a value: what must not differ when it is repeated, without its secrets."""
from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from vonglau.rpc.annotations import is_input_only


def body_hash(request: Message, *, without: tuple[str, ...] = ("request_id",)) -> str:
    """SHA-256 over the deterministic encoding, 32 hexadecimal digits; INPUT_ONLY fields and those of the names given are left out."""
    present = [name for name in without if name in request.DESCRIPTOR.fields_by_name]
    if present or holds_secrets(request.DESCRIPTOR):
        copy = type(request)()
        copy.CopyFrom(request)
        for name in present:
            copy.ClearField(name)
        clear_secrets(copy)
        request = copy
    return hashlib.sha256(request.SerializeToString(deterministic=True)).hexdigest()[:32]


def clear_secrets(message: Message) -> None:
    """Clear every INPUT_ONLY field, at any depth."""
    if not holds_secrets(message.DESCRIPTOR):
        return
    for field, value in message.ListFields():
        if is_input_only(field):
            message.ClearField(field.name)
        elif field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for part in value if field.is_repeated else (value,):
                clear_secrets(part)


@cache
def holds_secrets(descriptor: Descriptor) -> bool:
    return any(is_input_only(field) for each in reachable(descriptor) for field in each.fields)


def reachable(descriptor: Descriptor) -> Iterator[Descriptor]:
    """The message type and every type within it, once."""
    seen, waiting = {descriptor.full_name}, [descriptor]
    while waiting:
        each = waiting.pop()
        yield each
        inner = [field.message_type for field in each.fields if field.message_type is not None and field.message_type.full_name not in seen]
        seen.update(found.full_name for found in inner)
        waiting += inner
