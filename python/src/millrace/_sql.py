"""SQL over the platform's tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ._arrow_streams import read_table
from ._errors import MillraceError
from ._transport import ARROW_STREAM, Transport


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    description: str | None


@dataclass(frozen=True)
class Table:
    """A table that statements may read."""

    name: str
    kind: str
    of: str
    """the source, service or view"""
    description: str
    columns: tuple[Column, ...]


def tables(transport: Transport, timeout: float) -> list[Table]:
    found = transport.json("GET", "/v1/sql/tables", timeout=timeout)
    return [
        Table(**{**one, "columns": tuple(Column(**column) for column in one["columns"])})
        for one in found
    ]


def query(
    transport: Transport,
    statement: str,
    *,
    engine: str | None,
    known: str | int | None,
    limits: Mapping[str, int],
    timeout: float,
) -> pa.Table:
    body: dict[str, Any] = {"sql": statement}
    if engine is not None:
        body["engine"] = engine
    if known is not None:
        body["known"] = known
    if limits:
        body["limits"] = dict(limits)
    with transport.stream(
        "POST", "/v1/sql", body=body, headers={"accept": ARROW_STREAM}, timeout=timeout
    ) as answer:
        headers = answer.headers
        rows, known = headers.get("x-millrace-rows"), headers.get("x-millrace-known")
        if rows is None or known is None:
            raise MillraceError("MR_UNREACHABLE", f"{transport.url} sent no result of SQL")
        table = read_table(answer, transport.url, int(rows))
    positions = headers.get("x-millrace-positions", "")
    # What the result is of: so a table says it wherever it goes.
    return table.replace_schema_metadata(
        {"millrace.known": known, "millrace.positions": positions}
    )
