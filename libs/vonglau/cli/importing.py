"""vonglau camera import: a whole inventory, row by row, as often as one likes."""
from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import typer

from vonglau.cli.options import FAILED, AsJson, AsPerson, perform
from vonglau.cli.rows import OPTIONAL, REQUIRED, read_rows
from vonglau.cli.session import Session
from vonglau.cli.words import word
from vonglau.registry.v1 import service_pb2 as registry

ROWS_AT_ONCE = 250
MOST_SHOWN = 50


def import_file(
    file: Annotated[Path, typer.Argument(help=f"CSV in UTF-8; its header names the columns: {', '.join(REQUIRED)}, and any of {', '.join(OPTIONAL)}.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every row, write nothing.")] = False,
    as_person: AsPerson = "",
    as_json: AsJson = False,
) -> None:
    """Register what is new, change what differs, leave the rest; a second run changes nothing.

    Rows that are refused are listed with their reason and leave the others untouched; the exit code is then 1.
    Lists are parted by `;`: verifications like `KD-17 2026-01-15/2027-01-15` (verified/expires), densities like `gate=125` (pixels per metre).
    """

    async def command(session: Session) -> None:
        results: list[registry.ImportResult] = []
        with session.output.progress(f"importing {file.name}") as meter:
            rows = read_rows(file)
            async with session.registry() as stub:
                async for reply in stub.ImportCameras(chunks(rows, dry_run=dry_run)):
                    results.extend(reply.results)
                    meter.tell(len(results), len(rows))
        report(session, results, dry_run=dry_run)
        if any(result.outcome == registry.IMPORT_OUTCOME_REFUSED for result in results):
            raise typer.Exit(FAILED)

    perform(as_person, as_json, command)


async def chunks(rows: list[registry.ImportRow], *, dry_run: bool) -> AsyncIterator[registry.ImportCamerasRequest]:
    for start in range(0, len(rows), ROWS_AT_ONCE):
        yield registry.ImportCamerasRequest(validate_only=dry_run, rows=rows[start : start + ROWS_AT_ONCE])


def report(session: Session, results: list[registry.ImportResult], *, dry_run: bool) -> None:
    counts = Counter(word(registry.ImportOutcome, result.outcome) for result in results)
    refused = [result for result in results if result.outcome == registry.IMPORT_OUTCOME_REFUSED]
    if session.output.as_json:
        listed = [
            {"row": one.row, "outcome": word(registry.ImportOutcome, one.outcome), "camera": one.camera, "reason": one.reason, "message": one.message}
            for one in results
        ]
        session.output.document({"dry_run": dry_run, "counts": dict(counts), "rows": listed})
        return
    for one in refused[:MOST_SHOWN]:
        session.output.line(f"row {one.row}: {one.message} ({one.reason})")
    if len(refused) > MOST_SHOWN:
        session.output.line(f"… and {len(refused) - MOST_SHOWN} more; --json lists every row")
    summary = ", ".join(f"{counts[name]} {name}" for name in ("registered", "changed", "unchanged", "refused"))
    session.output.line(f"{len(results)} rows: {summary}" + (" (dry run: nothing was written)" if dry_run else ""))
