"""Frames of the caller: pandas, polars, Arrow, or rows as mappings. They are read column by column,
and results are added as further columns: no row is touched, so none is lost, repeated or moved."""

from __future__ import annotations

import contextlib
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from ._errors import refuse

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    FrameT = TypeVar("FrameT", "pd.DataFrame", "pl.DataFrame", pa.Table)
    Frame: TypeAlias = "pd.DataFrame | pl.DataFrame | pa.Table"
else:
    FrameT = TypeVar("FrameT")
    Frame = Any

Rows: TypeAlias = "Sequence[Mapping[str, Any]]"
Kind: TypeAlias = Literal["arrow", "pandas", "polars"]


class FrameView(ABC):
    """What is needed of a frame, whatever made it."""

    rows: int
    names: Sequence[str]

    @abstractmethod
    def column(self, name: str) -> pa.ChunkedArray[Any]: ...

    @abstractmethod
    def with_columns(self, table: pa.Table) -> Any:
        """A frame of the caller's kind with these columns after its own."""

    def select(self, names: Sequence[str]) -> pa.Table:
        return pa.table([self.column(name) for name in names], names=list(names))

    def refuse_names(self, results: Sequence[str]) -> None:
        """
        :raises MillraceError: where a column has the name of a result
        """
        taken = [name for name in results if name in set(self.names)]
        if taken:
            refuse(
                "MR_SPINE_INVALID",
                f"the frame has a column {_listed(taken)}, and a result has the same name: "
                "drop the column, or rename it",
                columns=taken,
            )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _converted(name: str, values: Any, **options: Any) -> pa.ChunkedArray[Any]:
    try:
        array = pa.array(values, **options)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        refuse(
            "MR_FIELD_TYPE",
            f'column "{name}" cannot be read: {error}. Give all its values one type',
            field=name,
        )
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])


class _Arrow(FrameView):
    def __init__(self, table: pa.Table) -> None:
        self._table = table
        self.rows = table.num_rows
        self.names = table.column_names

    def column(self, name: str) -> pa.ChunkedArray[Any]:
        if self.names.count(name) > 1:
            _refuse_twice(name)
        return self._table.column(name)

    def with_columns(self, table: pa.Table) -> pa.Table:
        whole = self._table
        for name in table.column_names:
            whole = whole.append_column(table.schema.field(name), table.column(name))
        return whole


class _Pandas(FrameView):
    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame
        self.rows = len(frame)
        self.names = [name for name in frame.columns if isinstance(name, str)]

    def column(self, name: str) -> pa.ChunkedArray[Any]:
        if self.names.count(name) > 1:
            _refuse_twice(name)
        # In columns of numpy, NaN is how pandas writes that a value is missing.
        return _converted(name, self._frame[name])

    def with_columns(self, table: pa.Table) -> pd.DataFrame:
        import pandas as pd

        added = to_pandas(table).set_axis(self._frame.index, axis=0)
        return pd.concat([self._frame, added], axis=1)


class _Polars(FrameView):
    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame
        self.rows = frame.height
        self.names = frame.columns

    def column(self, name: str) -> pa.ChunkedArray[Any]:
        array = self._frame.get_column(name).to_arrow()
        return pa.chunked_array([array])

    def with_columns(self, table: pa.Table) -> pl.DataFrame:
        return self._frame.hstack(to_polars(table).get_columns())


def _refuse_twice(name: str) -> None:
    refuse("MR_FIELD_TYPE", f'the frame has two columns "{name}": rename one', field=name)


def _table_of_rows(rows: Rows) -> pa.Table:
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = [_converted(name, [row.get(name) for row in rows]) for name in names]
    return pa.table(columns, names=names)


def view_of(frame: Frame | Rows) -> FrameView:
    """
    :raises MillraceError: MR_PARAMETER_INVALID for what is no frame
    """
    pandas, polars = sys.modules.get("pandas"), sys.modules.get("polars")
    if pandas is not None and isinstance(frame, pandas.DataFrame):
        return _Pandas(frame)
    if polars is not None and isinstance(frame, polars.DataFrame):
        return _Polars(frame)
    if isinstance(frame, pa.Table):
        return _Arrow(frame)
    if isinstance(frame, pa.RecordBatch):
        return _Arrow(pa.Table.from_batches([frame]))
    if isinstance(frame, (list, tuple)) and all(isinstance(row, Mapping) for row in frame):
        return _Arrow(_table_of_rows(frame))
    if hasattr(frame, "__arrow_c_stream__"):
        # A column alone has a stream, too, but no table in it.
        with contextlib.suppress(pa.ArrowInvalid):
            return _Arrow(pa.table(frame))
    refuse(
        "MR_PARAMETER_INVALID",
        "the rows must be a DataFrame of pandas or polars, a table of Arrow or a list of mappings, "
        f"not {type(frame).__name__}",
    )


def frame_of(table: pa.Table, kind: Kind) -> Any:
    if kind == "arrow":
        return table
    if kind == "pandas":
        return to_pandas(table)
    if kind == "polars":
        return to_polars(table)
    refuse("MR_PARAMETER_INVALID", f'to must be "arrow", "pandas" or "polars", not {kind!r}')


def to_polars(table: pa.Table) -> pl.DataFrame:
    import polars as pl

    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _nullable(kind: pa.DataType) -> Any:
    import pandas as pd

    if pa.types.is_boolean(kind):
        return pd.BooleanDtype()
    return pd.api.types.pandas_dtype(str(kind).replace("int", "Int").replace("u", "U"))


def _pandas_column(column: pa.ChunkedArray[Any]) -> Any:
    """In numpy's types where those have all values as they are; else in pandas' own or Arrow's."""
    import pandas as pd

    kind = column.type
    if column.null_count > 0 and (pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        # As float64, which pandas would take, large integers lose digits.
        return column.to_pandas(types_mapper=_nullable)
    if column.null_count > 0 and pa.types.is_floating(kind) and pc.any(pc.is_nan(column)).as_py():
        # NaN stands for null in numpy, and here are both.
        return pd.Series(pd.arrays.ArrowExtensionArray(column))
    return column.to_pandas()


def to_pandas(table: pa.Table) -> pd.DataFrame:
    import pandas as pd

    columns = [_pandas_column(column) for column in table.columns]
    frame = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=range(table.num_rows))
    frame.columns = pd.Index(table.column_names)
    return frame
