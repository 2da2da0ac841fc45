"""``compute bound``: every form of the bound for token losses of any model."""
