"""Fixtures of the batch stage's tests: tiny models in a local hub cache, made once per run."""

from tests.compute.published_runs import miniature, on_miniature, own_miniature, pythia_run
from tests.tiny_hub import offline_hub, own_hub, tiny_hub

__all__ = [
    "miniature",
    "offline_hub",
    "on_miniature",
    "own_hub",
    "own_miniature",
    "pythia_run",
    "tiny_hub",
]
