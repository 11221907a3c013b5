"""Online reads: values of entities, now or at a past moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic

import pyarrow as pa

from ._definitions import Catalog, Target, status_column
from ._errors import MillraceError, refuse
from ._frames import FrameT, FrameView
from ._from_json import arrow_column
from ._parts import in_parts
from ._times import Time, datetime_of, optional_datetime, time_value
from ._to_json import json_column
from ._transport import Transport

# What a server takes in one request, unless its operator says otherwise.
_MOST_ENTITIES = 5_000
_MOST_VALUES = 500_000


@dataclass(frozen=True)
class ViewState:
    """A view that was read, and how far it had read itself."""

    view: str
    version: int
    generation: int
    event_time: datetime | None
    """the newest that it has computed"""
    position: str
    complete_through: datetime | None
    """The values include every event that the log had accepted by then; None: not known yet."""


@dataclass(frozen=True)
class Part:
    """The rows of one request. All of them were read at the same two times."""

    start: int
    """its first row"""
    rows: int
    at: datetime
    known: datetime
    views: tuple[ViewState, ...]
    degraded: tuple[str, ...]
    """the degraded modes that it was answered in; its values are right all the same"""


@dataclass(frozen=True)
class Answer(Generic[FrameT]):
    """A read with all that the server says of it."""

    frame: FrameT
    """the rows that were asked for, with a column for each feature"""
    features: tuple[str, ...]
    """the names of the features' columns"""
    status: pa.Table
    """For each feature, the status of its values: present, null, not-found, expired, overflow."""
    parts: tuple[Part, ...]

    @property
    def at(self) -> datetime:
        """
        :raises MillraceError: where the rows were read in several requests, at several times
        """
        return self._times("at")

    @property
    def known(self) -> datetime:
        """
        :raises MillraceError: where the rows were read in several requests, at several times
        """
        return self._times("known")

    def _times(self, name: str) -> datetime:
        times = {getattr(part, name) for part in self.parts}
        if len(times) != 1:
            refuse(
                "MR_REFUSED",
                f"the rows were read in {len(self.parts)} requests, which have no single time: "
                f"see `parts`, or read with `{name}`",
            )
        found: datetime = times.pop()
        return found


@dataclass(frozen=True)
class ReadOptions:
    request: Mapping[str, Any] | None
    at: Time | None
    known: Time | None
    after: str | None
    wait_ms: int | None
    timeout: float


def objects(columns: Mapping[str, list[Any]], start: int, stop: int) -> list[dict[str, Any]]:
    names = list(columns)
    rows = zip(*(columns[name][start:stop] for name in names), strict=True)
    return [dict(zip(names, row, strict=True)) for row in rows]


def key_columns(target: Target, frame: FrameView) -> dict[str, list[Any]]:
    """
    :raises MillraceError: MR_ENTITY_INVALID where the frame lacks a key
    """
    missing = [name for name in target.keys if name not in frame.names]
    if missing:
        refuse(
            "MR_ENTITY_INVALID",
            f"the frame has no column {', '.join(missing)}, which is a key; it has "
            f"{', '.join(frame.names) or 'none'}. A key in the index of a frame of pandas must be "
            "a column: reset_index()",
            keys=missing,
        )
    return _json_columns(target.keys, frame)


def input_columns(target: Target, frame: FrameView) -> dict[str, list[Any]]:
    given = {name: type for name, type in target.inputs.items() if name in frame.names}
    return _json_columns(given, frame)


def _json_columns(types: Mapping[str, Any], frame: FrameView) -> dict[str, list[Any]]:
    return {
        name: json_column(frame.column(name), type, name, warn=True) for name, type in types.items()
    }


def _inputs(
    target: Target, frame: FrameView, request: Mapping[str, Any] | None
) -> dict[str, list[Any]]:
    """Those of the frame, and those that hold for all rows."""
    columns = input_columns(target, frame)
    for name, value in (request or {}).items():
        if name in columns:
            refuse(
                "MR_REQUEST_INVALID",
                f'the input "{name}" is a column of the frame and in `request`: give it once',
                field=name,
            )
        one = pa.chunked_array([pa.array([value])])
        columns[name] = json_column(one, target.inputs.get(name), name, warn=True) * frame.rows
    return columns


def read_answer(
    transport: Transport,
    catalog: Catalog,
    wanted: str | Sequence[str],
    frame: FrameView,
    options: ReadOptions,
) -> tuple[Target, list[Mapping[str, Any]]]:
    """The answers of the server, one for each part of the frame."""
    target = catalog.target(wanted)
    times = {
        name: time_value(name, time)
        for name, time in (("at", options.at), ("known", options.known))
        if time is not None
    }
    entities = key_columns(target, frame)
    inputs = _inputs(target, frame, options.request)
    frame.refuse_names([name for name, _ in target.features])

    def send(start: int, stop: int) -> Mapping[str, Any]:
        body: dict[str, Any] = {**target.read, "entities": objects(entities, start, stop), **times}
        if inputs:
            body["request"] = objects(inputs, start, stop)
        if options.after is not None:
            body["after"] = options.after
        if options.wait_ms is not None:
            body["waitMs"] = options.wait_ms
        answer: Mapping[str, Any] = transport.json(
            "POST", "/v1/features", body=body, timeout=options.timeout
        )
        return answer

    most = min(_MOST_ENTITIES, max(1, _MOST_VALUES // max(1, len(target.features))))
    return target, list(in_parts(frame.rows, most, send))


def tables_of(
    target: Target, answers: Sequence[Mapping[str, Any]], rows: int
) -> tuple[pa.Table, pa.Table]:
    """The values, and the statuses, of all parts.

    :raises MillraceError: where an answer has other features, or other rows, than were asked for
    """
    names = [name for name, _ in target.features]
    for answer in answers:
        if list(answer["features"]) != names:
            raise MillraceError(
                "MR_REFUSED",
                f"the definitions were changed just now: {', '.join(answer['features'])} are the "
                "features. Read again",
            )
    found = [row for answer in answers for row in answer["rows"]]
    statuses = [row for answer in answers for row in answer["status"]]
    if len(found) != rows or len(statuses) != rows:
        raise MillraceError(
            "MR_INTERNAL", f"{rows} rows were asked for, and {len(found)} were answered"
        )
    values = [
        arrow_column([row[name] for row in found], type, name) for name, type in target.features
    ]
    status = [pa.array([row[i] for row in statuses], pa.string()) for i in range(len(names))]
    return pa.table(values, names=names), pa.table(status, names=names)


def with_statuses(values: pa.Table, status: pa.Table) -> pa.Table:
    columns: list[Any] = []
    names: list[str] = []
    for name in values.column_names:
        columns += [values.column(name), status.column(name)]
        names += [name, status_column(name)]
    return pa.table(columns, names=names)


def parts_of(answers: Sequence[Mapping[str, Any]]) -> tuple[Part, ...]:
    parts: list[Part] = []
    start = 0
    for answer in answers:
        rows = len(answer["rows"])
        parts.append(
            Part(
                start=start,
                rows=rows,
                at=datetime_of(answer["at"]),
                known=datetime_of(answer["known"]),
                views=tuple(_view(one) for one in answer["views"]),
                degraded=tuple(answer.get("degraded", ())),
            )
        )
        start += rows
    return tuple(parts)


def _view(one: Mapping[str, Any]) -> ViewState:
    return ViewState(
        view=one["view"],
        version=one["version"],
        generation=one["generation"],
        event_time=optional_datetime(one["eventTime"]),
        position=one["position"],
        complete_through=optional_datetime(one["completeThrough"]),
    )
