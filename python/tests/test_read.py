"""Online reads."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any

import oracle
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from kinds import each_kind, frame, kind_of, rows_of

import millrace
from millrace import _reads

KEYS = [{"shop": row["shop"], "branch": row["branch"]} for row in oracle.spine(60, 20)]


@each_kind
def test_values_at_a_past_time(client: millrace.Client, kind: str) -> None:
    at = oracle.START + timedelta(hours=20, minutes=13)
    found = client.read("of_shop", frame(KEYS, kind), at=at)
    assert kind_of(found) == ("arrow" if kind == "rows" else kind)
    rows = rows_of(found)
    assert [{"shop": row["shop"], "branch": row["branch"]} for row in rows] == KEYS
    for row in rows:
        for name, value in oracle.of_shop(row["shop"], row["branch"], at).items():
            assert oracle.same(row[name], value)


def test_values_have_the_types_of_the_definitions(client: millrace.Client) -> None:
    found = client.read("of_shop", [{"shop": "a", "branch": 1}])
    last: Any = max(
        (s for s in oracle.SALES if (s["shop"], s["branch"]) == ("a", 1) and s["n"] is not None),
        key=lambda sale: sale["at"],
    )
    (row,) = found.to_pylist()
    assert row["n"] == last["n"] and row["n"] > 2**53 - 500
    assert row["small"] == last["small"]
    assert row["open"] is last["open"]
    assert row["moment"] == last["moment"]
    assert row["day"] == date(1969, 12, 31)
    assert row["raw"] == b"\x00\xff"
    assert row["item"] == last["item"] and row["items"][0] == last["item"]
    assert row["moments"][0] == last["moment"]
    assert found.schema.field("ratio").type == pa.float32()
    assert found.schema.field("moment").type == pa.timestamp("ms", tz="UTC")
    assert pa.scalar(0.1, pa.float32()).as_py() == row["ratio"]


def test_statuses(client: millrace.Client) -> None:
    rows = [{"shop": "a", "branch": 1}, {"shop": "nobody", "branch": 1}]
    found = client.read("of_shop", rows, with_status=True, at=oracle.END)
    assert found["n__status"].to_pylist() == ["present", "not-found"]
    answer = client.answer("of_shop", rows, at=oracle.END)
    assert answer.status["n"].to_pylist() == ["present", "not-found"]
    assert "n__status" not in answer.frame.column_names


def test_an_answer_says_what_it_is_of(client: millrace.Client) -> None:
    before = datetime.now(timezone.utc) - timedelta(seconds=5)
    answer = client.answer("shop_model", pl.DataFrame(KEYS), request={"by": 3})
    assert before < answer.at < before + timedelta(seconds=60)
    assert answer.known >= answer.at - timedelta(seconds=5)
    assert answer.features == ("sold", "price", "income", "scaled")
    (part,) = answer.parts
    assert {view.view for view in part.views} == {"of_shop", "totals"}
    assert part.degraded == ()
    (complete,) = {view.complete_through for view in part.views}
    assert complete is not None and complete.tzinfo == timezone.utc


def test_features_by_name(client: millrace.Client) -> None:
    found = client.read(["totals:sold", "scaled", "of_shop:sold"], KEYS, request={"by": 2})
    assert found.column_names[2:] == ["totals__sold", "scaled", "of_shop__sold"]
    with pytest.raises(millrace.MillraceError, match="no feature"):
        client.read(["totals:nothing"], KEYS)


def test_inputs_of_all_rows_or_of_each(client: millrace.Client) -> None:
    at = oracle.END
    each = client.read("shop_model", [{**row, "by": 2} for row in KEYS], at=at)
    every = client.read("shop_model", KEYS, request={"by": 2}, at=at)
    assert each["scaled"] == every["scaled"]
    with pytest.raises(millrace.MillraceError, match="give it once"):
        client.read("shop_model", [{**row, "by": 2} for row in KEYS], request={"by": 2})
    with pytest.raises(millrace.MillraceError) as refused:
        client.read("shop_model", KEYS)
    assert refused.value.code == "MR_REQUEST_INVALID"


def test_other_columns_and_the_index_stay(client: millrace.Client) -> None:
    notes: list[Any] = [object() for _ in KEYS]
    entities = pd.DataFrame(KEYS).assign(note=notes)
    entities.index = pd.Index([7] * len(KEYS), name="same")
    found = client.read("totals", entities)
    assert found["note"].tolist() == entities["note"].tolist()
    assert found.index.equals(entities.index)


def test_large_frames_are_read_in_parts(client: millrace.Client) -> None:
    many = [KEYS[i % len(KEYS)] for i in range(5_001)]
    answer = client.answer("totals", many)
    assert [part.rows for part in answer.parts] == [5_000, 1]
    assert [part.start for part in answer.parts] == [0, 5_000]
    one = rows_of(client.read("totals", KEYS))
    assert rows_of(answer.frame) == [one[i % len(KEYS)] for i in range(5_001)]
    with_time = client.answer("totals", many, at=oracle.END)
    assert with_time.at == oracle.END
    if answer.parts[0].at != answer.parts[1].at:
        with pytest.raises(millrace.MillraceError, match="no single time"):
            print(answer.at)


def test_a_server_with_lower_limits_gets_smaller_parts(
    client: millrace.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [KEYS[i % len(KEYS)] for i in range(12_001)]
    monkeypatch.setattr(_reads, "_MOST_ENTITIES", 12_001)
    answer = client.answer("totals", many, at=oracle.END)
    assert sum(part.rows for part in answer.parts) == len(many)
    assert all(part.rows <= 5_000 for part in answer.parts)
    assert rows_of(answer.frame.select(["shop", "branch"])) == many


def test_no_rows(client: millrace.Client) -> None:
    found = client.read("of_shop", pl.DataFrame(KEYS).clear())
    assert found.height == 0
    assert found.schema["moment"] == pl.Datetime("ms", "UTC")


@pytest.mark.parametrize(
    ("target", "rows", "options", "code"),
    [
        ("nothing", KEYS, {}, "MR_NOT_FOUND"),
        ("totals", [{"shop": "a"}], {}, "MR_ENTITY_INVALID"),
        ("totals", [{"shop": None, "branch": 1}], {}, "MR_ENTITY_INVALID"),
        ("totals", [{"shop": "a", "branch": "x"}], {}, "MR_ENTITY_INVALID"),
        ("totals", [{"shop": "a", "branch": 2**53}], {}, "MR_ENTITY_INVALID"),
        ("totals", [{"shop": "a", "branch": 2**70}], {}, "MR_FIELD_TYPE"),
        ("totals", [{"shop": "a", "branch": 1, "sold": 1}], {}, "MR_SPINE_INVALID"),
        ("totals", KEYS, {"at": "yesterday"}, "MR_TIME_INVALID"),
        ("totals", KEYS, {"at": datetime(2026, 1, 1)}, "MR_TIME_INVALID"),
        ("totals", KEYS, {"at": 1.5}, "MR_TIME_INVALID"),
        ("totals", KEYS, {"after": "nowhere"}, "MR_BODY_INVALID"),
        ("totals", 5, {}, "MR_PARAMETER_INVALID"),
    ],
)
def test_what_is_wrong_is_named(
    client: millrace.Client, target: str, rows: Any, options: Any, code: str
) -> None:
    with pytest.raises(millrace.MillraceError) as refused:
        client.read(target, rows, **options)
    assert refused.value.code == code, refused.value.message
    assert refused.value.status in (400, 404)


def test_times_in_each_form(client: millrace.Client) -> None:
    at = oracle.START + timedelta(hours=9)
    ms = round(at.timestamp() * 1000)
    wanted = client.read("of_shop", KEYS, at=at)
    elsewhere = at.astimezone(timezone(timedelta(hours=5)))
    for other in (ms, at.isoformat(), pd.Timestamp(at), elsewhere):
        assert client.read("of_shop", KEYS, at=other).equals(wanted)


def test_a_reader_reads(reader: millrace.Client, client: millrace.Client) -> None:
    assert reader.read("totals", KEYS) == client.read("totals", KEYS)
    with pytest.raises(millrace.MillraceError) as refused:
        reader.publish("visits", [{"who": "x", "at": oracle.START}])
    assert refused.value.code == "MR_FORBIDDEN" and refused.value.status == 403


def test_definitions_come_from_the_server(client: millrace.Client) -> None:
    service = client.definition("shop_model")
    assert service.kind == "feature-service"
    assert [(one.name, one.type) for one in service.features] == [
        ("sold", "long?"),
        ("price", "double?"),
        ("income", "double?"),
        ("scaled", "double?"),
    ]
    assert client.definition("sales").definition["fields"]["tags"] == "array<string>?"
    assert {one.name for one in client.definitions("feature-view")} == {
        "of_shop",
        "of_visitor",
        "totals",
    }
    for name in ("hidden", "absent"):
        with pytest.raises(millrace.MillraceError, match="or you may not see it"):
            client.definition(name)
    with pytest.raises(millrace.MillraceError, match="kind must be one of"):
        client.definitions("view")
