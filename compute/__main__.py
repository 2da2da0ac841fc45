"""``python -m compute``: plan, run and inspect the batch stage."""

from compute.commands.cli import main

main()
