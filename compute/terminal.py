"""The terminal, or the log file, that every command prints to."""

import sys

from rich.console import Console

#: Lines are never wrapped or cut in a log file, where rich would take 80 columns for granted.
console = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else 160)
