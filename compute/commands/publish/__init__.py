"""``compute publish`` and ``compute index``: a measured suite for others to read."""
