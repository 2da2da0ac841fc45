"""Formats of files of tables: CSV, JSON, Parquet, responses of inference servers."""
