"""Check that prose in the repository uses plain words (the list is in ``phrases.toml``)."""
