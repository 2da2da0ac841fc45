"""RESULTS.md and its figures, computed from a suite's Parquet: ``python -m tools.results``.

Every number comes from the functions behind the dashboard's pages, so that both say the same.
Words that depend on an outcome are chosen from its interval (``words``), not written beforehand.
"""
