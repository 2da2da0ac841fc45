"""Columns of the artifacts as shown: meaning, unit, and number format."""

import pandas as pd
import pyarrow as pa
import streamlit as st

import schema

#: Units by column, or by the end of its name; the meaning in the schema has the rest.
_UNITS = {
    "k_nats": "nats",
    "error_nats": "nats",
    "seconds": "s",
    "peak_memory_bytes": "bytes",
    "bytes_per_token": "bytes per token",
    "ritz_value": "nats per token",
    "finished_at": "time, UTC",
}
_ENDINGS = {"_nats": "nats per token", "_bits": "bits", "_tokens": "tokens"}


def unit_of(column: str) -> str:
    """For example ``nats per token``; empty for a plain number or a name."""
    by_ending = (unit for ending, unit in _ENDINGS.items() if column.endswith(ending))
    return _UNITS.get(column) or next(by_ending, "")


def meanings(table: str) -> pd.DataFrame:
    """Columns column, type, unit, may be missing, meaning: one row per column of a table."""
    rows = [
        (field.name, str(field.type), unit_of(field.name), field.nullable, _meaning(field))
        for field in schema.TABLES[table]
    ]
    return pd.DataFrame(rows, columns=["column", "type", "unit", "may be missing", "meaning"])


def column_config(table: str) -> dict:
    """Column configuration: the meaning of every column in the help of its heading."""
    config = {}
    for field in schema.TABLES[table]:
        unit = unit_of(field.name)
        text = f"{_meaning(field)} ({unit})" if unit else _meaning(field)
        config[field.name] = st.column_config.Column(help=text)
    return config


def _meaning(field: pa.Field) -> str:
    return (field.metadata or {}).get(b"description", b"").decode()
