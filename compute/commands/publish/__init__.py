"""``compute publish`` and ``compute index``: a measured suite as others read it."""
