"""SQL, and explanations."""

from __future__ import annotations

import math
from datetime import timezone
from typing import Any

import oracle
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import millrace


def test_values_are_what_the_statement_answers(client: millrace.Client) -> None:
    table = client.sql(
        "SELECT 9223372036854775807 AS large, 'NaN'::DOUBLE AS nan, NULL::DOUBLE AS nothing, "
        "'Infinity'::DOUBLE AS endless, TIMESTAMPTZ '2026-01-31T12:00:00.123456Z' AS at, "
        "1.10::DECIMAL(5, 2) AS exact, [1, NULL] AS list, true AS yes"
    )
    (row,) = table.to_pylist()
    assert row["large"] == 2**63 - 1
    assert math.isnan(row["nan"]) and row["nothing"] is None and row["endless"] == math.inf
    assert row["at"].microsecond == 123456
    assert row["at"].astimezone(timezone.utc).isoformat() == "2026-01-31T12:00:00.123456+00:00"
    assert str(row["exact"]) == "1.10"
    assert row["list"] == [1, None] and row["yes"] is True


def test_each_kind_of_frame(client: millrace.Client) -> None:
    statement = (
        "SELECT * FROM (VALUES (1, 9007199254740993, 'NaN'::DOUBLE, true), "
        "(2, NULL, NULL, NULL)) AS t(id, large, x, flag) ORDER BY id"
    )
    arrow = client.sql(statement)
    assert isinstance(arrow, pa.Table)
    frame = client.sql(statement, to="polars")
    assert isinstance(frame, pl.DataFrame)
    assert frame["large"].to_list() == [2**53 + 1, None]
    assert frame["x"].is_nan().to_list() == [True, None]
    found = client.sql(statement, to="pandas")
    assert isinstance(found, pd.DataFrame)
    assert found["large"][0] == 2**53 + 1 and found["large"].isna().tolist() == [False, True]
    assert found["flag"][0] and found["flag"].isna().tolist() == [False, True]
    # Here NaN and null are not the same.
    assert pa.array(found["x"]).is_null().to_pylist() == [False, True]
    with pytest.raises(millrace.MillraceError, match="to must be"):
        client.sql(statement, to="csv")  # type: ignore[call-overload]


def test_tables(client: millrace.Client, reader: millrace.Client) -> None:
    (sales,) = [table for table in client.tables() if table.of == "sales"]
    assert (sales.name, sales.kind) == ("raw_sales", "source")
    assert {"shop", "log_offset"} <= {column.name for column in sales.columns}
    table = client.sql("SELECT n FROM raw_sales WHERE n IS NOT NULL", to="arrow")
    assert set(table["n"].to_pylist()) >= {sale["n"] for sale in oracle.SALES if sale["n"]}
    metadata = table.schema.metadata or {}
    assert int(metadata[b"millrace.known"]) > 0
    assert metadata[b"millrace.positions"].startswith(b"raw.sales@0:")
    # A reader may read values of views, and no raw events.
    assert {table.kind for table in reader.tables()} == {"feature-view"}
    early = client.sql("SELECT count(*) AS n FROM raw_sales", known=oracle.START)
    assert early.to_pylist() == [{"n": 0}]


def test_refusals(client: millrace.Client) -> None:
    cases: tuple[tuple[str, Any, str], ...] = (
        ("DROP TABLE raw_sales", {}, "MR_SQL_REFUSED"),
        ("SELECT nothing", {}, "MR_SQL_INVALID"),
        ("SELECT * FROM range(100)", {"rows": 10}, "MR_SQL_LIMIT"),
        ("SELECT 1", {"engine": "abacus"}, "MR_PARAMETER_INVALID"),
    )
    for statement, options, code in cases:
        with pytest.raises(millrace.MillraceError) as refused:
            client.sql(statement, **options)
        assert refused.value.code == code, refused.value.message


def test_no_rows_have_types(client: millrace.Client) -> None:
    table = client.sql("SELECT 1::BIGINT AS x, 'a' AS y WHERE false")
    assert table.num_rows == 0
    assert table.schema.types == [pa.int64(), pa.string()]


def test_an_explanation_has_the_events(client: millrace.Client) -> None:
    at = oracle.START + oracle.HOUR * 30
    key = {"shop": "é/ü", "branch": oracle.LARGE}
    found = client.explain("of_shop:sold", key, at=at)
    assert found.matches and found.value == found.recomputed
    assert found.value == oracle.of_shop("é/ü", oracle.LARGE, at)["sold"]
    events = found.events()
    assert events["counted"].to_pylist().count(True) == found.value
    assert events.schema.field("event_time").type == pa.timestamp("ms", tz="UTC")
    assert found.at == at
    last = client.explain("of_shop:moment", key, at=at)
    assert last.value is None or last.value.tzinfo is not None
    assert last.value == client.read("of_shop", [key], at=at)["moment"][0].as_py()


def test_an_explanation_of_an_on_demand_feature(client: millrace.Client) -> None:
    key = {"shop": "a", "branch": 1}
    found = client.explain("scaled", key, request={"by": 2.5}, at=oracle.END)
    wanted = client.read("shop_model", [key], request={"by": 2.5}, at=oracle.END)
    assert found.value == wanted["scaled"][0].as_py()
    assert found.events().num_rows == 0
    assert len(found.details["inputs"]) == 2


def test_what_cannot_be_explained(client: millrace.Client, reader: millrace.Client) -> None:
    for feature, entity, code in (
        ("of_shop:nothing", {"shop": "a", "branch": 1}, "MR_NOT_FOUND"),
        ("nothing", {"shop": "a"}, "MR_NOT_FOUND"),
        ("of_shop:sold", {"shop": "a"}, "MR_ENTITY_INVALID"),
    ):
        with pytest.raises(millrace.MillraceError) as refused:
            client.explain(feature, entity)
        assert refused.value.code == code
    with pytest.raises(millrace.MillraceError) as refused:
        reader.explain("of_shop:sold", {"shop": "a", "branch": 1})
    assert refused.value.code == "MR_FORBIDDEN"
