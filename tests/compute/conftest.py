"""Fixtures of the batch stage's tests: tiny models in a local hub cache, made once per run."""

from tests.tiny_hub import offline_hub, own_hub, tiny_hub

__all__ = ["offline_hub", "own_hub", "tiny_hub"]
