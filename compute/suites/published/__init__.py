"""Published models: of a preset, or named by a user."""
