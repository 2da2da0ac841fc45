"""The law L(N, D) of training runs: its objective, fit, uncertainty and limits (section 11)."""
