"""Artifacts from an address: found by their manifest, fetched to a local cache, verified."""
