"""The types of fields, keys, inputs and features, as definitions write them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyarrow as pa

from ._errors import MillraceError

_ARROW: dict[str, pa.DataType] = {
    "string": pa.string(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("ms", tz="UTC"),
    "date": pa.date32(),
    "bytes": pa.binary(),
}
_TEXT = re.compile(r"(?:array<(?P<item>\w+)>|(?P<base>\w+))(?P<nullable>\??)")


@dataclass(frozen=True)
class FieldType:
    base: str
    array: bool = False
    nullable: bool = True

    @property
    def arrow(self) -> pa.DataType:
        base = _ARROW[self.base]
        return pa.list_(base) if self.array else base

    @property
    def item(self) -> FieldType:
        return FieldType(self.base)


def field_type(text: str) -> FieldType:
    """
    :raises MillraceError: MR_INTERNAL for a type that this version of the package does not know
    """
    match = _TEXT.fullmatch(text)
    base = None if match is None else match["item"] or match["base"]
    if match is None or base not in _ARROW:
        raise MillraceError(
            "MR_INTERNAL",
            f"the server has a type {text!r}, which this version of millrace does not know: "
            "install the version of the server",
            {"type": text},
        )
    return FieldType(base, match["item"] is not None, match["nullable"] == "?")
