"""Spectra of curvature matrices, and how well they predict (sections 7 and 8)."""
