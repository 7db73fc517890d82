"""Write the event catalogue in README.md from the comments in events.proto; `--check` only compares and fails on a difference.

An event is a message of an events.proto that is no part of another one there. Its comment is `<subject>: <meaning>`.
"""
from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from generate import PROTO, compile_protos, includes
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet

README = PROTO / "README.md"
BEGIN, END = "<!-- events: written by catalogue.py -->\n", "<!-- end of events -->\n"
COMMENT = re.compile(r"(?P<subject>(es|fact|evt)\.[a-z0-9_.<>]+): (?P<meaning>.+)")
MESSAGES = 4  # number of FileDescriptorProto.message_type, in the paths of source locations


class Event(NamedTuple):
    name: str
    subject: str
    producer: str
    meaning: str


def main() -> None:
    before, _, rest = README.read_text("utf-8").partition(BEGIN)
    present, _, after = rest.partition(END)
    fresh = table(sorted(events(described()), key=lambda event: event.subject))
    if "--check" not in sys.argv[1:]:
        README.write_text(before + BEGIN + fresh + END + after, "utf-8")
    elif present != fresh:
        sys.exit("proto/README.md does not list the events as the .proto files have them: python proto/catalogue.py")


def described() -> FileDescriptorSet:
    """Every events.proto with its comments."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "events.binpb"
        sources = map(str, sorted(PROTO.rglob("events.proto")))
        compile_protos([*includes(), "--include_source_info", f"--descriptor_set_out={target}", *sources])
        return FileDescriptorSet.FromString(target.read_bytes())


def events(files: FileDescriptorSet) -> Iterator[Event]:
    parts = {field.type_name for file in files.file for message in file.message_type for field in message.field}
    for file in files.file:
        for index, message in enumerate(file.message_type):
            if f".{file.package}.{message.name}" not in parts:
                yield event(file, index, message)


def event(file: FileDescriptorProto, index: int, message: DescriptorProto) -> Event:
    comment = next((each.leading_comments for each in file.source_code_info.location if list(each.path) == [MESSAGES, index]), "")
    said = COMMENT.fullmatch(" ".join(comment.split()))
    if said is None:
        sys.exit(f"{file.name}: the comment of {message.name} is not `<subject>: <meaning>`")
    context = file.package.split(".")[1]
    return Event(f"{file.package}.{message.name}", said["subject"], context, said["meaning"])


def table(listed: list[Event]) -> str:
    rows = [f"| `{each.subject}` | `{each.name}` | {each.producer} | {each.meaning} |" for each in listed]
    return "\n".join(["", "| subject | event (`ce-type`) | producer | meaning |", "|---|---|---|---|", *rows, "", ""])


if __name__ == "__main__":
    main()
