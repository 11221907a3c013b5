"""The same rows as frames of each kind, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

KINDS = ("pandas", "polars", "arrow", "rows")
each_kind = pytest.mark.parametrize("kind", KINDS)


def frame(rows: Sequence[Mapping[str, Any]], kind: str) -> Any:
    if kind == "rows":
        return list(rows)
    table = pa.Table.from_pylist([dict(row) for row in rows])
    if kind == "pandas":
        return table.to_pandas()
    return pl.from_arrow(table) if kind == "polars" else table


def kind_of(found: Any) -> str:
    if isinstance(found, pd.DataFrame):
        return "pandas"
    return "polars" if isinstance(found, pl.DataFrame) else "arrow"


def rows_of(found: Any) -> list[dict[str, Any]]:
    """Missing values are None, whatever the frame has for them."""
    if isinstance(found, pd.DataFrame):
        return [
            {str(name): _plain(value) for name, value in row.items()}
            for row in found.to_dict(orient="records")
        ]
    rows: list[dict[str, Any]] = (
        found.to_dicts() if isinstance(found, pl.DataFrame) else found.to_pylist()
    )
    return rows


def _plain(value: Any) -> Any:
    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    if hasattr(value, "tolist"):
        return value.tolist()
    return None if value is pd.NaT or value is pd.NA or value != value else value
