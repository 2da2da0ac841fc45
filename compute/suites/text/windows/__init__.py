"""Windows of a fixed tiling of a text, and which of them are measured."""
