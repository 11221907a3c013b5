"""``training_set``: the caller's own frame, with the features of each row's time.

Only keys, times and request inputs are sent. The other columns stay where they are, whatever types
they have, and the answers are put beside them in the order of the rows. A column with the number of
each row goes there and back, so that no row can be lost, repeated or moved unnoticed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from ._datasets import Datasets, OnProgress
from ._definitions import Target
from ._errors import MillraceError
from ._field_types import FieldType
from ._frames import FrameView
from ._parts import in_parts
from ._reads import objects
from ._spines import lookup_columns
from ._transport import Json

# No definition can have a name that begins with two underscores.
_ROW = "__row"
_STATUS = FieldType("string")
# A request of a million bytes and more holds the server's other requests up while it is parsed.
_PART_BYTES = 8 << 20
_BYTES_OF_ROW = 64


def results_of(
    datasets: Datasets,
    target: Target,
    frame: FrameView,
    *,
    mode: str,
    known: Json | None,
    with_status: bool,
    timeout: float | None,
    on_progress: OnProgress | None,
) -> pa.Table:
    """The features of the frame's rows, in their order."""
    columns = lookup_columns(target, frame)
    names = target.columns(with_status)
    frame.refuse_names(names)
    columns[_ROW] = list(range(frame.rows))
    times: dict[str, Any] = {} if known is None else {"known": known}

    def send(start: int, stop: int) -> pa.Table:
        body: Mapping[str, Any] = {
            **(target.dataset or {}),
            "spine": {"rows": objects(columns, start, stop)},
            "mode": mode,
            "withStatus": with_status,
            **times,
        }
        started = datasets.start(body)
        # Every part counts the same events, whatever arrives between two of them.
        times.setdefault("known", round(started.known.timestamp() * 1000))
        built = datasets.wait(started, timeout=timeout, on_progress=on_progress)
        table = datasets.read(built.id)
        if table.column(_ROW).to_pylist() != columns[_ROW][start:stop]:
            raise MillraceError("MR_INTERNAL", "the rows came back in another order")
        if not set(names) <= set(table.column_names):
            raise MillraceError("MR_REFUSED", "the definitions were just changed: connect again")
        return table.select(names)

    parts = list(in_parts(frame.rows, _most(columns), send))
    return _typed(parts, target, with_status)


def _most(columns: Mapping[str, Sequence[Any]]) -> int:
    """Rows of a part. Names and a typical value are a few dozen bytes."""
    names = sum(len(name) + 4 for name in columns)
    texts = max(
        (len(str(row)) for row in zip(*(c[:1000] for c in columns.values()), strict=True)),
        default=0,
    )
    return max(1_000, _PART_BYTES // (names + max(texts, _BYTES_OF_ROW)))


def _typed(parts: Sequence[pa.Table], target: Target, with_status: bool) -> pa.Table:
    types = {name: type.arrow for name, type in target.features}
    schema = pa.schema(
        [(name, types.get(name, pa.string())) for name in target.columns(with_status)]
    )
    # Times of the stream are in microseconds, and are whole milliseconds.
    if not parts:
        return schema.empty_table()
    return pa.concat_tables([part.cast(schema) for part in parts])
