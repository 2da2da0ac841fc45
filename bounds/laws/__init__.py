"""Scaling laws (section 11): one file per law, and what published ones say."""
