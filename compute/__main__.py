"""``python -m compute``: plan, run and inspect the batch stage."""

from compute.cli import main

main()
