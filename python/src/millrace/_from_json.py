"""Values of JSON as Arrow columns of the types that definitions have."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from ._errors import MillraceError
from ._field_types import FieldType


def _mapped(values: Sequence[Any], array: bool, make: Callable[[Any], Any]) -> list[Any]:
    if array:
        return [None if v is None else [None if i is None else make(i) for i in v] for v in values]
    return [None if v is None else make(v) for v in values]


def _whole(value: Any) -> int:
    # Arrow would cut the fraction off.
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is no whole number")
    return value


def _listed(type: pa.DataType, array: bool) -> pa.DataType:
    return pa.list_(type) if array else type


def arrow_column(values: Sequence[Any], type: FieldType, name: str) -> pa.Array[Any]:
    """
    :param values: as ``json.loads`` gives them; None is null
    :raises MillraceError: MR_INTERNAL where a value is not of the type
    """
    array = type.array
    try:
        if type.base in ("float", "double"):
            # JSON writes 3.0 as 3, and a large number without a fraction with all its digits.
            return pa.array(_mapped(values, array, float), type.arrow)
        if type.base == "timestamp":
            whole = _mapped(values, array, _whole)
            return pa.array(whole, _listed(pa.int64(), array)).cast(type.arrow)
        if type.base == "date":
            days = _mapped(values, array, _whole)
            return pa.array(days, _listed(pa.int32(), array)).cast(type.arrow)
        if type.base in ("int", "long"):
            return pa.array(_mapped(values, array, _whole), type.arrow)
        if type.base == "bytes":
            return pa.array(_mapped(values, array, base64.b64decode), type.arrow)
        return pa.array(values, type.arrow)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise MillraceError(
            "MR_INTERNAL",
            f'values of "{name}" are not of its type {type.base}: {error}. Was it changed? '
            "Connect again",
            {"feature": name},
        ) from None
