"""Who calls: a person or a service. What they may do stands elsewhere."""
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from vonglau.errors import Invalid

Kind = Literal["person", "service"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,126}")


@dataclass(frozen=True, slots=True)
class Caller:
    """Written `person:<id>` or `service:<name>`."""

    kind: Kind
    id: str

    def __post_init__(self) -> None:
        if self.kind not in KINDS or not _ID.fullmatch(self.id):
            raise Invalid("CALLER_MALFORMED", f"a caller is person:<id> or service:<name>, letters, digits and ._@- : {f'{self.kind}:{self.id}'[:80]!r}")

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"

    @classmethod
    def parse(cls, text: str) -> Caller:
        """Raises: Invalid (CALLER_MALFORMED)."""
        kind, _, name = text.partition(":")
        return cls(kind, name)  # type: ignore[arg-type]  # checked when it is made
