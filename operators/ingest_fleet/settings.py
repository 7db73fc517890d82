"""What the operator is told."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vonglau.settings import PlatformSettings, setting


@dataclass(frozen=True, kw_only=True)
class FleetSettings(PlatformSettings):
    """Beside what every program is told."""

    namespace: str = setting("default", unit="name", why="the one namespace whose pools it serves: a tenant is a deployment")
    kubeconfig: Path | None = setting(None, unit="file", why="the cluster from outside of it; unset: the pod's own account")
    pools_file: Path | None = setting(None, unit="YAML file", why="pools that the installation declares; unset: pools come by other ways")
    release: str = setting("vonglau", unit="name", why="marks the pools that this installation declared, so that one taken out of its values goes")
    turn_s: float = setting(2.0, unit="s", why="between two reconciles where nothing wakes it: a command is followed within 5 s", at_least=0.1)
    lease_s: float = setting(10.0, unit="s", why="a dead operator's successor starts after it; an ended one gives it back", at_least=2)
    say_every_s: float = setting(30.0, unit="s", why="figures of a status are written no more often; conditions at once", at_least=0)
    uninstall_within_s: float = setting(240.0, unit="s", why="pools that are not gone by then fail an uninstallation; below the time-out of Helm", at_least=1)
