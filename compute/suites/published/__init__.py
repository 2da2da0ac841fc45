"""Models that others have trained: of a preset, or named by a person."""
