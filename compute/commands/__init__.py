"""The command line: ``python -m compute``."""
