"""Training in which every batch is scored before it is trained on."""
