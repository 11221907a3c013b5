"""Values between JSON, Arrow and pandas, without a server."""

from __future__ import annotations

import json
import math
import uuid
import warnings
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

import millrace
from millrace._field_types import FieldType, field_type
from millrace._frames import to_pandas
from millrace._from_json import arrow_column
from millrace._to_json import json_column
from millrace._times import duration_text


def sent(values: pa.Array[Any], type: str | None) -> list[Any]:
    """As the server gets them."""
    column = pa.chunked_array([values[:1], values[1:]])
    wanted = None if type is None else field_type(type)
    return list(json.loads(json.dumps(json_column(column, wanted, "x", warn=True))))


UTC = timezone.utc
DAY = date(2026, 1, 31)


@pytest.mark.parametrize(
    ("values", "type", "wanted"),
    [
        (pa.array(["a", None, ""]), "string", ["a", None, ""]),
        (pa.array([1, -(2**60)]), "string", ["1", str(-(2**60))]),
        (pa.array([2.0, 1e300, 0.5]), "string", ["2", 1e300, 0.5]),
        (pa.array([Decimal("1.10")]), "string", ["1.10"]),
        (pa.array([2**63 - 1, 1]), "long", [2**63 - 1, 1]),
        (pa.array([2**64 - 1], pa.uint64()), "long", [2**64 - 1]),
        (pa.array([Decimal("5.0"), Decimal("5.5")]), "long", [5, 5.5]),
        (pa.array([math.nan, math.inf, -math.inf]), "double", ["NaN", "Infinity", "-Infinity"]),
        (pa.array([0.1], pa.float32()), "double", [0.10000000149011612]),
        (pa.array([1.5], pa.float16()), "double", [1.5]),
        (pa.array([True, None]), "boolean", [True, None]),
        (pa.array([None, None]), "long", [None, None]),
        (pa.array([b"\x00\xff"]), "bytes", ["AP8="]),
        (pa.array([DAY]), "date", ["2026-01-31"]),
        (pa.array([datetime(2026, 1, 31)]), "date", [1769817600000]),
        (pa.array([0, -1], pa.timestamp("ms")), "timestamp", ["1970-01-01T00:00:00.000Z", -1]),
        (pa.array([2_000_000_000], pa.timestamp("s")), "timestamp", [2_000_000_000_000]),
        (pa.array([[1, 2], None, []]), "array<long>", [[1, 2], None, []]),
        (pa.array([[1, 2], [3]]), "array<string>", [["1", "2"], ["3"]]),
        (pa.array([[DAY, None]]), "array<date>", [["2026-01-31", None]]),
        (pa.array(["a", "b", "a"]).dictionary_encode(), "string", ["a", "b", "a"]),
        (pa.array([2**53, 2**53 - 1]), None, [str(2**53), 2**53 - 1]),
        (pa.array([uuid.UUID(int=5).bytes], pa.uuid()), "string", [str(uuid.UUID(int=5))]),
    ],
)
def test_columns_as_json(values: pa.Array[Any], type: str | None, wanted: list[Any]) -> None:
    assert sent(values, type) == wanted


@pytest.mark.parametrize(
    ("values", "type"),
    [
        (pa.array([timedelta(1)]), "long"),
        (pa.array([{"a": 1}]), "string"),
        (pa.array([b"x"]), "string"),
        (pa.array([DAY]), "string"),
        (pa.array([datetime(2026, 1, 1)]), "long"),
        (pa.array([[1]]), "long"),
        (pa.array([1]), "array<long>"),
    ],
)
def test_columns_that_no_field_can_have(values: pa.Array[Any], type: str) -> None:
    with pytest.raises(millrace.MillraceError, match='column "x"') as refused:
        sent(values, type)
    assert refused.value.code == "MR_FIELD_TYPE"
    # A column of nulls has no value that could be wrong.
    assert sent(pa.nulls(2, values.type), type) == [None, None]


def test_rounded_times_are_warned_of_once() -> None:
    column = pa.array([1_000_001], pa.timestamp("ns", tz="UTC"))
    with pytest.warns(millrace.MillraceWarning, match='"x"'):
        assert sent(column, "timestamp") == ["1970-01-01T00:00:00.001Z"]
    with pytest.warns(millrace.MillraceWarning):
        # Down, also before 1970.
        assert sent(pa.array([-1], pa.timestamp("us")), "timestamp") == [-1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sent(pa.array([5_000], pa.timestamp("us")), "timestamp") == [
            "1970-01-01T00:00:00.005Z"
        ]


@pytest.mark.parametrize(
    ("text", "type", "wanted"),
    [
        ("[9007199254740991, null]", "long?", pa.array([2**53 - 1, None], pa.int64())),
        ("[1, 2.5, 1e300, null]", "double", pa.array([1.0, 2.5, 1e300, None])),
        ("[123456789012345678901234]", "double", pa.array([1.2345678901234568e23])),
        ("[0.1]", "float", pa.array([0.1], pa.float32())),
        ("[0, null]", "timestamp", pa.array([0, None], pa.timestamp("ms", tz="UTC"))),
        ("[-1, null]", "date", pa.array([date(1969, 12, 31), None])),
        ('["AP8=", ""]', "bytes", pa.array([b"\x00\xff", b""])),
        ('[["a"], [], null]', "array<string>?", pa.array([["a"], [], None])),
        ("[[1, 2]]", "array<double>", pa.array([[1.0, 2.0]])),
        ("[[5]]", "array<timestamp>", pa.array([[5]], pa.list_(pa.timestamp("ms", tz="UTC")))),
        ("[[1]]", "array<date>", pa.array([[date(1970, 1, 2)]])),
        ('[["AA=="]]', "array<bytes>", pa.array([[b"\x00"]])),
        ("[]", "int", pa.array([], pa.int32())),
    ],
)
def test_json_as_columns(text: str, type: str, wanted: pa.Array[Any]) -> None:
    found = arrow_column(json.loads(text), field_type(type), "x")
    assert found.type == wanted.type
    assert found.equals(wanted)


def test_json_of_another_type_is_not_converted() -> None:
    wrong = (
        ("[1.5]", "long"),
        ("[2147483648]", "int"),
        ("[1]", "boolean"),
        ('["x"]', "double"),
        ('["x"]', "date"),
        ("[1]", "string"),
    )
    for text, type in wrong:
        with pytest.raises(millrace.MillraceError, match="not of its type"):
            arrow_column(json.loads(text), field_type(type), "x")


def test_field_types() -> None:
    assert field_type("array<double>?") == FieldType("double", array=True, nullable=True)
    assert field_type("long") == FieldType("long", nullable=False)
    for text in ("tensor", "array<x>", "array<>", "array<array<int>>", ""):
        with pytest.raises(millrace.MillraceError, match="does not know"):
            field_type(text)


def test_pandas_has_every_value_as_it_is() -> None:
    table = pa.table(
        {
            "whole": pa.array([1, 2**63 - 1]),
            "large": pa.array([2**63 - 1, None]),
            "unsigned": pa.array([2**64 - 1, None], pa.uint64()),
            "small": pa.array([-128, None], pa.int8()),
            "flag": pa.array([True, None]),
            "both": pa.array([math.nan, None]),
            "nan": pa.array([math.nan, 1.0]),
            "null": pa.array([None, 1.0]),
            "at": pa.array([0, None], pa.timestamp("ms", tz="UTC")),
            "far": pa.array([-62_135_596_800_000, None], pa.timestamp("ms", tz="UTC")),
            "day": pa.array([DAY, None]),
            "text": pa.array(["", None]),
            "raw": pa.array([b"", None]),
        }
    )
    found = to_pandas(table)
    assert {name: str(dtype) for name, dtype in found.dtypes.items()} == {
        "whole": "int64",
        "large": "Int64",
        "unsigned": "UInt64",
        "small": "Int8",
        "flag": "boolean",
        "both": "double[pyarrow]",
        "nan": "float64",
        "null": "float64",
        "at": "datetime64[ms, UTC]",
        "far": "datetime64[ms, UTC]",
        "day": "object",
        "text": "str",
        "raw": "object",
    }
    back = pa.Table.from_pandas(found, schema=table.schema, preserve_index=False)
    for name in set(table.column_names) - {"nan", "null"}:
        assert back[name].combine_chunks().is_null().equals(
            table[name].combine_chunks().is_null()
        ), name
    assert back["large"].equals(table["large"]) and back["unsigned"].equals(table["unsigned"])
    assert back["far"].equals(table["far"])


def test_durations() -> None:
    assert duration_text("every", "1d") == "1d"
    assert duration_text("every", timedelta(minutes=5)) == "300000ms"
    for wrong in (timedelta(0), timedelta(microseconds=1), timedelta(-1)):
        with pytest.raises(millrace.MillraceError) as refused:
            duration_text("every", wrong)
        assert refused.value.code == "MR_DURATION_INVALID"
