"""Scaling laws (section 11): one file per law, and published laws."""
