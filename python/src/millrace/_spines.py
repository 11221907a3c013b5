"""Frames as spines of data sets: keys, times and request inputs, and what is kept beside them."""

from __future__ import annotations

from typing import Any

from ._definitions import Target
from ._errors import refuse
from ._field_types import FieldType
from ._frames import FrameView
from ._reads import input_columns, key_columns, objects
from ._to_json import json_column

TIME_COLUMN = "event_timestamp"
_TIME = FieldType("timestamp", nullable=False)


def lookup_columns(target: Target, frame: FrameView) -> dict[str, list[Any]]:
    """The columns that decide the values.

    :raises MillraceError: where the frame lacks the time or a key
    """
    if TIME_COLUMN not in frame.names:
        refuse(
            "MR_SPINE_INVALID",
            f"the frame has no column {TIME_COLUMN}, the time of each row; it has "
            f"{', '.join(frame.names) or 'none'}",
            column=TIME_COLUMN,
        )
    # The caller's frame keeps the time as it is; the values are those of its millisecond.
    times = json_column(frame.column(TIME_COLUMN), _TIME, TIME_COLUMN, warn=False)
    return {**key_columns(target, frame), **input_columns(target, frame), TIME_COLUMN: times}


def whole_spine(target: Target, frame: FrameView) -> list[dict[str, Any]]:
    """All columns, as rows of JSON. What nothing declares becomes text, number or boolean."""
    found = lookup_columns(target, frame)
    columns = {
        name: found[name]
        if name in found
        else json_column(frame.column(name), None, name, warn=True)
        for name in frame.names
    }
    return objects(columns, 0, frame.rows)
