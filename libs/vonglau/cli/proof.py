"""vonglau verify: is every stored object still what was recorded?"""
from __future__ import annotations

from typing import Annotated, Any

import typer

from vonglau.cli.options import FAILED, AsJson, AsPerson, perform
from vonglau.cli.session import Session
from vonglau.cli.times import rfc3339, shown, size
from vonglau.recording.v1 import service_pb2 as recording


def verify(
    camera: Annotated[str, typer.Argument(metavar="[CAMERA]", help="Only this camera (default: all that you may see).")] = "",
    as_person: AsPerson = "",
    as_json: AsJson = False,
) -> None:
    """Compare every stored object with its fact, its archive and its chain. Exit code 1 where anything is amiss."""

    async def command(session: Session) -> None:
        findings: list[recording.Finding] = []
        summary = recording.VerifySummary()
        with session.output.progress("verifying") as meter:
            async with session.recording() as stub:
                async for reply in stub.Verify(recording.VerifyRequest(camera=camera)):
                    if reply.WhichOneof("part") == "progress":
                        meter.tell(reply.progress.objects_checked, reply.progress.objects_total or None, reply.progress.camera)
                    elif reply.WhichOneof("part") == "finding":
                        findings.append(reply.finding)
                    else:
                        summary = reply.summary
        show(session, findings, summary)
        if findings:
            raise typer.Exit(FAILED)

    perform(as_person, as_json, command)


def show(session: Session, findings: list[recording.Finding], summary: recording.VerifySummary) -> None:
    if session.output.as_json:
        totals = {name: getattr(summary, name) for name in ("objects_checked", "bytes_checked", "archives_checked", "cameras")}
        session.output.document({**totals, "findings": [finding_document(finding) for finding in findings]})
        return
    for one in findings:
        at = shown(one.start) if one.HasField("start") else ""
        session.output.line(f"{one.reason}  {one.camera}  {at}  {one.key}  {one.message}")
    checked = f"{summary.objects_checked} objects ({size(summary.bytes_checked)}) and {summary.archives_checked} archives of {summary.cameras} cameras"
    session.output.line(f"{checked}: {'nothing amiss' if not findings else f'{len(findings)} findings'}")


def finding_document(one: recording.Finding) -> dict[str, Any]:
    start = rfc3339(one.start) if one.HasField("start") else ""
    end = rfc3339(one.end) if one.HasField("end") else ""
    return {"camera": one.camera, "reason": one.reason, "key": one.key, "from": start, "to": end, "message": one.message}
