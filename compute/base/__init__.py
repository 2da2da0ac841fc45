"""Foundations of the other rooms: errors, the terminal, memory, settings and provenance."""
