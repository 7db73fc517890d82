"""Settings are frozen dataclasses, read once from the environment. Each field says its unit, default and why."""

from vonglau.settings.declaration import Variable, group, setting, variables
from vonglau.settings.loading import Misconfigured, load
from vonglau.settings.platform import STREAMS_GB, PlatformSettings
from vonglau.settings.residency import check_telemetry
from vonglau.settings.table import render_table

__all__ = ["STREAMS_GB", "Misconfigured", "PlatformSettings", "Variable", "check_telemetry", "group", "load", "render_table", "setting", "variables"]
