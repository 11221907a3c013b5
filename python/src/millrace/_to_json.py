"""Columns of Arrow as values of JSON, for fields, keys and inputs.

A cell means what it means in a Parquet file (docs/guides/files.md). A value that its field cannot
have is sent as it is, so that the server refuses it and says why; JSON has no NaN and no infinity,
which are sent as texts, and refused. A column whose type no field can have is refused here.
"""

from __future__ import annotations

import base64
import datetime
import warnings
from typing import Any, NoReturn

import pyarrow as pa
import pyarrow.compute as pc

from ._errors import MillraceWarning, refuse
from ._field_types import FieldType

_MAX_EXACT = 2**53 - 1
_MS = {"s": (1000, 1), "ms": (1, 1), "us": (1, 1000), "ns": (1, 1_000_000)}


def json_column(
    column: pa.ChunkedArray[Any], type: FieldType | None, name: str, *, warn: bool
) -> list[Any]:
    """
    :param type: of the field; None: it is kept as it is, because nothing declares it
    :param warn: whether a time that is rounded to the millisecond is worth a warning: it is not
        where the caller's frame keeps the time as it was
    :returns: what ``json.dumps`` takes; None is null
    """
    if warn and _loses_digits(column):
        warnings.warn(
            f'times of "{name}" are rounded down to the millisecond, as Millrace keeps them',
            MillraceWarning,
            stacklevel=2,
        )
    return [value for chunk in column.chunks for value in _values(chunk, type, name)]


def _ticks(array: Any) -> list[int | None]:
    """Of times, in their own unit."""
    ticks: list[int | None] = (
        array.cast(pa.timestamp(array.type.unit)).cast(pa.int64()).to_pylist()
    )
    return ticks


def _loses_digits(column: pa.ChunkedArray[Any]) -> bool:
    if not pa.types.is_timestamp(column.type):
        return False
    _, down = _MS[column.type.unit]
    return down > 1 and any(tick is not None and tick % down for tick in _ticks(column))


def _values(array: Any, type: FieldType | None, name: str) -> list[Any]:
    kind = array.type
    if pa.types.is_dictionary(kind):
        return _values(array.dictionary_decode(), type, name)
    if pa.types.is_null(kind) or array.null_count == len(array):
        return [None] * len(array)
    if _is_list(kind):
        return _lists(array, type, name)
    if type is not None and type.array:
        _refuse_type(kind, type, name)
    base = None if type is None else type.base
    if isinstance(kind, pa.BaseExtensionType):
        return _extension(array, type, name)
    if pa.types.is_date(kind):
        return _dates(array, type, name)
    if pa.types.is_timestamp(kind):
        return _times(array, type, name)
    values: list[Any] = array.to_pylist()
    if pa.types.is_boolean(kind) or _is_text(kind):
        return values
    if pa.types.is_integer(kind):
        return _integers(values, base)
    if pa.types.is_floating(kind):
        return [None if value is None else _float(float(value), base) for value in values]
    if pa.types.is_decimal(kind):
        return [None if value is None else _decimal(value, base) for value in values]
    if _is_bytes(kind) and base != "string":
        return [None if v is None else base64.b64encode(v).decode() for v in values]
    _refuse_type(kind, type, name)


def _is_list(kind: pa.DataType) -> bool:
    types = pa.types
    return types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind == pa.string_view()


def _is_bytes(kind: pa.DataType) -> bool:
    return (
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
        or kind == pa.binary_view()
    )


def _refuse_type(kind: pa.DataType, type: FieldType | None, name: str) -> NoReturn:
    listed = " list" if type is not None and type.array else ""
    wanted = "" if type is None else f", and Millrace has it as {type.base}{listed}"
    refuse(
        "MR_FIELD_TYPE",
        f'column "{name}" has the type {kind}{wanted}: convert it before',
        field=name,
        type=str(kind),
    )


def _lists(array: Any, type: FieldType | None, name: str) -> list[Any]:
    if type is not None and not type.array:
        _refuse_type(array.type, type, name)
    items = _values(array.flatten(), None if type is None else type.item, name)
    out: list[Any] = []
    at = 0
    for length in pc.list_value_length(array).to_pylist():
        if length is None:
            out.append(None)
        else:
            out.append(items[at : at + length])
            at += length
    return out


def _extension(array: Any, type: FieldType | None, name: str) -> list[Any]:
    if array.type.extension_name == "arrow.uuid":
        return [None if value is None else str(value) for value in array.to_pylist()]
    return _values(array.storage, type, name)


def _integers(values: list[Any], base: str | None) -> list[Any]:
    if base == "string":
        return [None if value is None else str(value) for value in values]
    if base is not None:
        return values
    # Of a column that nothing declares: a number of JavaScript would round it.
    return [str(v) if v is not None and abs(v) > _MAX_EXACT else v for v in values]


def _float(value: float, base: str | None) -> Any:
    if value != value or value in (float("inf"), float("-inf")):
        return "NaN" if value != value else ("Infinity" if value > 0 else "-Infinity")
    if base == "string" and value.is_integer() and abs(value) <= _MAX_EXACT:
        return str(int(value))
    return value


def _decimal(value: Any, base: str | None) -> Any:
    if base in ("int", "long") and value == value.to_integral_value():
        return int(value)
    if base in ("int", "long", "float", "double"):
        return float(value)
    return format(value, "f")


def _dates(array: Any, type: FieldType | None, name: str) -> list[Any]:
    if type is not None and type.base not in ("date", "timestamp"):
        _refuse_type(array.type, type, name)
    texts: list[Any] = array.cast(pa.date32()).cast(pa.string()).to_pylist()
    return texts


def _times(array: Any, type: FieldType | None, name: str) -> list[Any]:
    if type is not None and type.base not in ("date", "timestamp"):
        _refuse_type(array.type, type, name)
    up, down = _MS[array.type.unit]
    return [None if tick is None else _iso(tick * up // down) for tick in _ticks(array)]


_EPOCH = datetime.datetime(1970, 1, 1)


def _iso(ms: int) -> str | int:
    # A number near 1970 would look like epoch seconds, and be refused.
    if not 0 <= ms < 10_000_000_000:
        return ms
    time = _EPOCH + datetime.timedelta(milliseconds=ms)
    return time.isoformat(timespec="milliseconds") + "Z"
