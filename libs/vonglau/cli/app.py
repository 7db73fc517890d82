"""The command `vonglau` and all it can do."""
from __future__ import annotations

import typer

from vonglau.cli import cameras, footage, importing, maintenance, owners, proof, statuses, watching

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="One camera platform for many owners. The running platform is found by its data folder: ./var, or VONGLAU_DATA.",
    epilog="Exit codes: 0 done, 1 refused or failed, 2 not understood. Times: RFC 3339, or relative such as -10m.",
)
cameras.app.command("import")(importing.import_file)
app.add_typer(owners.app, name="owner")
app.add_typer(cameras.app, name="camera")
app.add_typer(maintenance.parked, name="parked")
app.command("status")(statuses.status)
app.command("timeline")(footage.timeline)
app.command("watch")(watching.watch)
app.command("play")(footage.play)
app.command("verify")(proof.verify)
app.command("rebuild")(maintenance.rebuild)
app.command("token")(maintenance.token)
