"""What every other room stands on: errors, the terminal, memory, settings and provenance."""
