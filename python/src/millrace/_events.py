"""Rows of a frame as events of a source: lines of NDJSON."""

from __future__ import annotations

import json
from ._definitions import Definition
from ._errors import refuse
from ._field_types import FieldType, field_type
from ._frames import FrameView
from ._to_json import json_column


def _matched(
    source: Definition, frame: FrameView, ignore_extra: bool
) -> dict[str, FieldType]:
    """The fields that the frame has, in the order of the source.

    :raises MillraceError: MR_FIELD_MISSING and MR_FIELD_UNKNOWN, before anything is sent
    """
    fields = {name: field_type(text) for name, text in source.definition["fields"].items()}
    names = ", ".join(frame.names) or "none"
    missing = [
        name for name, type in fields.items() if name not in frame.names and not type.nullable
    ]
    if missing:
        refuse(
            "MR_FIELD_MISSING",
            f'the frame has no column {", ".join(missing)}, which are fields of "{source.name}"; '
            f"it has {names}",
            fields=missing,
        )
    extra = [name for name in frame.names if name not in fields]
    if extra and not ignore_extra:
        refuse(
            "MR_FIELD_UNKNOWN",
            f'the columns {", ".join(extra)} are no fields of "{source.name}", which has '
            f"{', '.join(fields)}: drop or rename them, or give ignore_extra=True",
            fields=extra,
        )
    return {name: type for name, type in fields.items() if name in frame.names}


def event_lines(source: Definition, frame: FrameView, ignore_extra: bool) -> list[bytes]:
    """One JSON object a row, in their order."""
    if source.definition.get("changes") is not None:
        refuse(
            "MR_REFUSED",
            f'"{source.name}" takes change records, which a frame has no form for: send them over '
            "HTTP",
            source=source.name,
        )
    columns = {
        name: json_column(frame.column(name), type, name, warn=True)
        for name, type in _matched(source, frame, ignore_extra).items()
    }
    if not columns:
        return [b"{}"] * frame.rows
    names = list(columns)
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
    return [
        encode(dict(zip(names, row, strict=True))).encode()
        for row in zip(*columns.values(), strict=True)
    ]
