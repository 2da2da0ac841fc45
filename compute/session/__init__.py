"""From what a person asks for to a checked plan: models, text, device, units."""
