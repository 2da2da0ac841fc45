"""A student that is trained only on what its teacher draws (section 10)."""
