"""The terminal, or the log file, that every command prints to."""

import sys

from rich.console import Console

#: Lines are never wrapped or cut in a log file, where rich would assume 80 columns.
console = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else 160)


def duration(seconds: float) -> str:
    """``45 s``, ``12 min``, ``1.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
