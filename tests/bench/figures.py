"""What a benchmark gives: a figure with its unit, its spread, and the bar beside it."""
from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    name: str
    value: float
    unit: str
    spread: str = ""  # over the rounds
    bar: str = ""  # empty: a reference, not a bar
    reached: bool | None = None
    reference: str = ""  # what it is measured against, in the same run

    def __str__(self) -> str:
        verdict = {True: "reached", False: "NOT reached", None: ""}[self.reached]
        return f"{self.name:75} {self.value:10.3f} {self.unit:8} {self.spread:22} {self.bar:10} {verdict}"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def spread(values: list[float]) -> str:
    return f"{min(values):.3g} … {max(values):.3g}"
