"""What a person sees of the running platform: one line a camera, once a second."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from vonglau.cli.times import duration, size

STYLES = {"recording": "green", "connecting": "yellow", "interrupted": "bold red", "suspended": "dim", "unassigned": "red"}


def camera_table(cameras: Sequence[dict[str, Any]], note: str) -> Table:
    """cameras: as `vonglau status --json` lists them. note: a sentence below, empty for none."""
    table = Table(box=None, pad_edge=False, header_style="bold", caption=note or None, caption_justify="left")
    for column in ("camera", "name", "owner", "state"):
        table.add_column(column, no_wrap=True, overflow="ellipsis")
    for column in ("bitrate", "recorded", "gaps", "spool"):
        table.add_column(column, justify="right", no_wrap=True)
    for one in cameras:
        table.add_row(*cells(one))
    return table


def cells(one: dict[str, Any]) -> tuple[str, ...]:
    style = STYLES.get(one["state"], "")
    state = f"[{style}]{one['state']}[/]" + (f" {one['cause']}" if one["cause"] else "")
    return (
        one["id"],
        one["name"],
        one["owner"],
        state,
        f"{one['bitrate_bps'] / 1e6:.2f} Mbit/s",
        duration(one["recorded_s"]),
        f"{one['gaps']} · {duration(one['gap_s'])}" if one["gaps"] else "0",
        size(one["spool_bytes"]),
    )


def summary(cameras: Sequence[dict[str, Any]]) -> str:
    """One line, for where no person watches a table."""
    recording = sum(one["state"] == "recording" for one in cameras)
    troubled = [f"{one['id']} {one['state']} {one['cause']}".strip() for one in cameras if one["state"] != "recording"]
    return f"{recording} of {len(cameras)} cameras recording" + (f"; {', '.join(troubled[:5])}" if troubled else "")
