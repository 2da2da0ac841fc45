"""Columns of the artifacts as shown: meaning, unit, and number format."""

import pandas as pd
import pyarrow as pa
import streamlit as st

import schema


def meanings(table: str) -> pd.DataFrame:
    """Columns column, type, unit, may be missing, meaning: one row per column of a table."""
    rows = [
        (
            field.name,
            str(field.type),
            schema.unit_of(field.name),
            field.nullable,
            _meaning(field),
        )
        for field in schema.TABLES[table]
    ]
    return pd.DataFrame(rows, columns=["column", "type", "unit", "may be missing", "meaning"])


def column_config(table: str) -> dict:
    """Column configuration: the meaning of every column in the help of its heading."""
    config = {}
    for field in schema.TABLES[table]:
        unit = schema.unit_of(field.name)
        text = f"{_meaning(field)} ({unit})" if unit else _meaning(field)
        config[field.name] = st.column_config.Column(help=text)
    return config


def _meaning(field: pa.Field) -> str:
    return (field.metadata or {}).get(b"description", b"").decode()
