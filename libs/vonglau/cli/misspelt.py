"""What is wrong with the command line itself, and not with the platform's state or a file."""
from __future__ import annotations

from vonglau.errors import Invalid


class Misspelt(Invalid):
    """The command was not understood, and nothing was asked: exit code 2."""
