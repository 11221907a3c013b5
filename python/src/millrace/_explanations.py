"""Why a value is what it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa

from ._definitions import Catalog
from ._field_types import FieldType, field_type
from ._from_json import arrow_column
from ._times import Time, datetime_of, time_value
from ._to_json import json_column
from ._transport import Transport


@dataclass(frozen=True)
class Explanation:
    """A value with all that it was made of."""

    feature: str
    value: Any
    status: str
    recomputed: Any
    """the value, computed again from the raw events or from the inputs"""
    matches: bool
    """whether both are equal"""
    version: int
    at: datetime
    known: datetime
    details: Mapping[str, Any]
    """The whole answer: definition, tiles, updates, inputs, as HTTP has it (times are epoch ms)."""

    def events(self) -> pa.Table:
        """The raw events, with their positions and whether each counts. At most 1,000 are listed;
        ``details["eventsTotal"]`` is how many there are."""
        events = self.details.get("events", [])
        ms = FieldType("timestamp")
        return pa.table(
            {
                "position": pa.array([one["position"] for one in events], pa.string()),
                "event_time": arrow_column([one["eventTime"] for one in events], ms, "event_time"),
                "log_time": arrow_column([one["logTime"] for one in events], ms, "log_time"),
                "counted": pa.array([one["counted"] for one in events], pa.bool_()),
                "why": pa.array([one["why"] for one in events], pa.string()),
                "row": pa.array([one["row"] for one in events]),
            }
        )


def _text(name: str, value: Any, type: FieldType | None) -> str:
    """A parameter of a query: text, or JSON of a list."""
    (plain,) = json_column(pa.chunked_array([pa.array([value])]), type, name, warn=True)
    return plain if isinstance(plain, str) else json.dumps(plain)


def explain(
    transport: Transport,
    catalog: Catalog,
    feature: str,
    entity: Mapping[str, Any],
    *,
    request: Mapping[str, Any] | None,
    at: Time | None,
    known: Time | None,
    timeout: float,
) -> Explanation:
    view, colon, name = feature.partition(":")
    target = catalog.target([feature])
    query: dict[str, str | int | None] = {"feature": name if colon else feature}
    if colon:
        query["view"] = view
    for key, value in entity.items():
        query[f"entity.{key}"] = _text(key, value, target.keys.get(key))
    for key, value in (request or {}).items():
        query[f"request.{key}"] = _text(key, value, target.inputs.get(key))
    for key, time in (("at", at), ("known", known)):
        if time is not None:
            query[key] = time_value(key, time)
    found = transport.json("GET", "/v1/explain", query=query, timeout=timeout)
    type = field_type(found["type"])

    def typed(value: Any) -> Any:
        return arrow_column([value], type, feature)[0].as_py()

    return Explanation(
        feature=feature,
        value=typed(found["value"]),
        status=found["status"],
        recomputed=typed(found["recomputed"]),
        matches=found["matches"],
        version=found["version"],
        at=datetime_of(found["at"]),
        known=datetime_of(found["known"]),
        details=found,
    )
