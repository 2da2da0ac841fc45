"""Weights of models on the hub without loading them: names, shapes, hashes, ends."""
