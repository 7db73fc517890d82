"""What a person sees of the running platform: one line a camera, once a second."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from vonglau.cli.output import plain
from vonglau.cli.times import duration, size

STYLES = {"recording": "green", "connecting": "yellow", "interrupted": "bold red", "suspended": "dim", "unassigned": "red"}


def camera_table(cameras: Sequence[dict[str, Any]], note: str) -> Table:
    """cameras: as `vonglau status --json` lists them. note: a sentence below, empty for none."""
    table = Table(box=None, pad_edge=False, header_style="bold", caption=note or None, caption_justify="left")
    table.add_column("camera", no_wrap=True)
    table.add_column("name", min_width=6)  # these two give way where the terminal is narrow
    table.add_column("owner", min_width=6)
    table.add_column("state", no_wrap=True)
    for column in ("Mbit/s", "recorded", "gaps", "spool"):
        table.add_column(column, justify="right", no_wrap=True)
    for one in cameras:
        table.add_row(*cells(one))
    return table


def cells(one: dict[str, Any]) -> tuple[str | Text, ...]:
    style = STYLES.get(one["state"], "")
    state = f"[{style}]{one['cause'] or one['state']}[/]"  # the cause says the state too
    return (
        one["id"],
        one_line(one["name"]),
        one_line(one["owner"]),
        state,
        f"{one['bitrate_bps'] / 1e6:.2f}",
        duration(one["recorded_s"]),
        str(one["gaps"]),
        size(one["spool_bytes"]),
    )


def one_line(text: str) -> Text:
    """Cut where its column is too narrow."""
    return Text(plain(text), no_wrap=True, overflow="ellipsis")


def summary(cameras: Sequence[dict[str, Any]]) -> str:
    """One line, for where no person watches a table."""
    recording = sum(one["state"] == "recording" for one in cameras)
    troubled = [f"{one['id']} {one['state']} {one['cause']}".strip() for one in cameras if one["state"] != "recording"]
    return f"{recording} of {len(cameras)} cameras recording" + (f"; {', '.join(troubled[:5])}" if troubled else "")
