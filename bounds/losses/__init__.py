"""Token losses with predictive entropies: as they are, binned, and smoothed."""
