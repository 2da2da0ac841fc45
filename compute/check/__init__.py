"""What a new box is worth: what it has, whether it computes what a CPU does, and how fast it is."""
