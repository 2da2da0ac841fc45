"""What several forms have in common: how they smooth, and the loss variation of Theorem 3.1."""
