"""The units of every kind of suite."""
