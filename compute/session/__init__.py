"""From a user's request to a checked plan: models, text, device, units."""
