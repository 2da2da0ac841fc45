"""RESULTS.md and its figures, computed from a suite's Parquet: ``python -m tools.results``.

Every number comes from the functions behind the dashboard's pages, so that both agree.
Text that depends on an outcome is chosen from its interval (``words``), not written in advance.
"""
