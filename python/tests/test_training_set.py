"""Training sets: right values, in the caller's own frame, of which nothing is changed."""

from __future__ import annotations

import random
import uuid
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np
import oracle
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from kinds import each_kind, frame, kind_of, rows_of
from pandas.testing import assert_frame_equal

import millrace
from millrace import _training_sets
from millrace._datasets import Datasets


def check(rows: list[dict[str, Any]], spine: list[dict[str, Any]]) -> None:
    assert len(rows) == len(spine)
    for row, wanted in zip(rows, spine, strict=True):
        for name, value in wanted.items():
            assert row[name] == value
        expected = oracle.of_shop(wanted["shop"], wanted["branch"], wanted["event_timestamp"])
        for name, value in expected.items():
            assert oracle.same(row[name], value), (wanted, name, row[name], value)


@each_kind
def test_every_row_has_the_values_of_its_own_time(client: millrace.Client, kind: str) -> None:
    spine = oracle.spine(300, 1)
    found = client.training_set("of_shop", frame(spine, kind))
    assert kind_of(found) == ("arrow" if kind == "rows" else kind)
    check(rows_of(found), spine)


def test_a_frame_of_pandas_keeps_index_columns_and_types(client: millrace.Client) -> None:
    spine = pd.DataFrame(oracle.spine(60, 2))
    labels: list[Any] = [object() if i % 2 else float("nan") for i in range(len(spine))]
    spine["label"] = labels
    spine["class"] = pd.Categorical(["x", "y", None] * (len(spine) // 3))
    spine["period"] = pd.period_range("2020", periods=len(spine))
    spine["large"] = np.arange(len(spine), dtype="uint64") + np.uint64(2**63)
    spine[7] = 1.5
    spine.index = pd.MultiIndex.from_tuples(
        [(i % 3, "same") for i in range(len(spine))], names=["fold", "x"]
    )
    before = spine.copy(deep=True)
    found = client.training_set("of_shop", spine)
    assert_frame_equal(spine, before)
    assert_frame_equal(found[list(before.columns)], before)
    assert found.index.equals(before.index)
    assert list(found.columns)[: len(before.columns)] == list(before.columns)
    check(rows_of(found[["shop", "branch", "event_timestamp", "sold", "price", "n"]]), rows_of(
        before[["shop", "branch", "event_timestamp"]]
    ))


def test_a_frame_of_polars_keeps_its_types(client: millrace.Client) -> None:
    spine = pl.DataFrame(oracle.spine(30, 3)).with_columns(
        pl.col("shop").cast(pl.Categorical),
        pl.lit(float("nan")).alias("nan"),
        pl.lit(None, pl.Float64).alias("null"),
        pl.duration(hours=1).alias("lasted"),
    )
    found = client.training_set("of_shop", spine)
    assert found.select(spine.columns).equals(spine, null_equal=True)
    assert found.select(spine.columns).schema == spine.schema
    assert found["nan"].is_nan().all() and found["null"].is_null().all()


def test_types_of_features(client: millrace.Client) -> None:
    spine = pa.Table.from_pylist(oracle.spine(50, 4))
    found = client.training_set("of_shop", spine)
    ms = pa.timestamp("ms", tz="UTC")
    assert {field.name: field.type for field in found.select(found.column_names[3:]).schema} == {
        "sold": pa.int64(),
        "price": pa.float64(),
        "n": pa.int64(),
        "small": pa.int32(),
        "ratio": pa.float32(),
        "open": pa.bool_(),
        "moment": ms,
        "day": pa.date32(),
        "raw": pa.binary(),
        "item": pa.string(),
        "items": pa.list_(pa.string()),
        "moments": pa.list_(ms),
    }
    assert any(value is not None and value > 2**53 - 500 for value in found["n"].to_pylist())


def test_large_integers_keep_their_digits_beside_nulls_in_pandas(client: millrace.Client) -> None:
    found = client.training_set("of_shop", pd.DataFrame(oracle.spine(100, 5)))
    assert str(found["n"].dtype) == "Int64"
    numbers = {sale["n"] for sale in oracle.SALES}
    assert found["n"].isna().any()
    assert all(int(n) in numbers for n in found["n"].dropna())


def test_statuses_say_why_a_value_is_missing(client: millrace.Client) -> None:
    first = min(sale["at"] for sale in oracle.SALES)
    found = client.training_set(
        "of_shop",
        [
            {"shop": "nobody", "branch": 1, "event_timestamp": oracle.END},
            {"shop": "a", "branch": 1, "event_timestamp": first - timedelta(days=1)},
            {"shop": "a", "branch": 1, "event_timestamp": oracle.END},
            {"shop": "a", "branch": 1, "event_timestamp": oracle.END + timedelta(days=60)},
        ],
        with_status=True,
    )
    assert found.column_names[3:7] == ["sold", "sold__status", "price", "price__status"]
    assert found["sold__status"].to_pylist() == ["not-found", "not-found", "present", "expired"]
    assert found["sold"].to_pylist()[:2] == [0, 0] and found["sold"].to_pylist()[3] is None


def test_as_served_has_what_was_known(client: millrace.Client) -> None:
    spine = pl.DataFrame(oracle.spine(20, 6))
    found = client.training_set("of_shop", spine, mode="as-served", with_status=True)
    # All events were published after the rows' times.
    assert set(found["sold__status"]) == {"not-found"}


def test_known_leaves_out_what_came_later(client: millrace.Client) -> None:
    spine = pl.DataFrame(oracle.spine(20, 6))
    early = oracle.START - timedelta(days=1)
    assert client.training_set("of_shop", spine, known=early)["sold"].sum() == 0
    with pytest.raises(millrace.MillraceError, match="has no time zone"):
        client.training_set("of_shop", spine, known=datetime(2026, 1, 1))


def test_request_inputs_are_columns(client: millrace.Client) -> None:
    spine = [{**row, "by": 2.0} for row in oracle.spine(40, 7)]
    found = rows_of(client.training_set("shop_model", pd.DataFrame(spine)))
    assert list(found[0])[-4:] == ["sold", "price", "income", "scaled"]
    priced = [row for row in found if row["price"] is not None]
    assert priced and all(row["scaled"] == row["price"] * 2 for row in priced)


def test_large_frames_go_in_parts_that_count_the_same_events(
    client: millrace.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = uuid.uuid4()
    spine = [
        {"who": f"{run} {i % 3}", "event_timestamp": oracle.END + timedelta(seconds=i)}
        for i in range(50)
    ]
    client.publish("visits", [{"who": f"{run} {i}", "at": oracle.START} for i in range(3)])
    monkeypatch.setattr(_training_sets, "_most", lambda columns: 20)
    start, known = Datasets.start, []

    def with_an_event_after(self: Datasets, body: Any) -> millrace.Dataset:
        found = start(self, body)
        known.append(found.known)
        client.publish("visits", [{"who": f"{run} 0", "at": oracle.START, "n": len(known)}])
        return found

    monkeypatch.setattr(Datasets, "start", with_an_event_after)
    found = client.training_set("of_visitor", pa.Table.from_pylist(spine))
    assert found["visits"].to_pylist() == [1] * 50
    assert len(known) == 3 and len(set(known)) == 1


def test_no_rows(client: millrace.Client) -> None:
    spine = pd.DataFrame(oracle.spine(10, 8)).iloc[:0]
    found = client.training_set("of_shop", spine, with_status=True)
    assert len(found) == 0
    assert list(found.columns[3:5]) == ["sold", "sold__status"]


def test_times_are_looked_up_at_their_millisecond_and_kept_as_they_are(
    client: millrace.Client,
) -> None:
    sale = random.Random(9).choice(oracle.SALES)
    key = {"shop": sale["shop"], "branch": sale["branch"]}
    at = pd.Timestamp(sale["at"]).as_unit("ns")
    times = [at - pd.Timedelta(1, "ns"), at, at + pd.Timedelta(999_999, "ns")]
    spine = pd.DataFrame([{**key, "event_timestamp": time} for time in times])
    assert str(spine["event_timestamp"].dtype) == "datetime64[ns, UTC]"
    found = client.training_set("totals", spine)
    assert found["event_timestamp"].tolist() == times
    before, then, after = found["sold"]
    assert (before + 1, then) == (then, after)


def test_a_time_without_a_zone_is_in_utc(client: millrace.Client) -> None:
    spine = pl.DataFrame(oracle.spine(30, 10))
    naive = spine.with_columns(pl.col("event_timestamp").dt.replace_time_zone(None))
    zoned = spine.with_columns(
        pl.col("event_timestamp").dt.convert_time_zone("America/New_York")
    )
    wanted = client.training_set("of_shop", spine).drop("event_timestamp")
    for other in (naive, zoned):
        assert client.training_set("of_shop", other).drop("event_timestamp").equals(wanted)


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (lambda df: df.drop(columns="event_timestamp"), "MR_SPINE_INVALID", "event_timestamp"),
        (lambda df: df.set_index("shop"), "MR_ENTITY_INVALID", "reset_index"),
        (lambda df: df.assign(sold=1), "MR_SPINE_INVALID", '"sold"'),
        (lambda df: df.assign(event_timestamp=pd.NaT), "MR_SPINE_INVALID", "event_timestamp"),
        (lambda df: df.assign(branch=2**53 + 1), "MR_SPINE_INVALID", "9007199254740993"),
        (lambda df: df.assign(branch=1.5), "MR_SPINE_INVALID", "1.5"),
        (lambda df: df.assign(shop=[b"x"] * len(df)), "MR_FIELD_TYPE", "shop"),
        (lambda df: df.assign(shop=[1, "x"] * (len(df) // 2)), "MR_FIELD_TYPE", "shop"),
        (lambda df: df["shop"], "MR_PARAMETER_INVALID", "Series"),
    ],
)
def test_what_is_wrong_is_named(
    client: millrace.Client, change: Any, code: str, said: str
) -> None:
    spine = pd.DataFrame(oracle.spine(20, 11))
    with pytest.raises(millrace.MillraceError) as refused:
        client.training_set("of_shop", change(spine))
    assert refused.value.code == code
    assert said in refused.value.message


def test_a_key_of_text_may_be_a_whole_number(client: millrace.Client) -> None:
    client.publish("visits", [{"who": "42", "at": oracle.START}])
    ints = pd.DataFrame({"who": [42, 7], "event_timestamp": [oracle.END] * 2})
    with_missing = pd.DataFrame({"who": [42.0, None], "event_timestamp": [oracle.END] * 2})
    large = pl.DataFrame({"who": [2**60], "event_timestamp": [oracle.END]})
    assert client.training_set("of_visitor", ints)["visits"].tolist() == [1, 0]
    assert client.training_set("of_visitor", with_missing)["visits"].tolist() == [1, pd.NA]
    assert client.training_set("of_visitor", large)["visits"].to_list() == [0]


def test_no_skew(client: millrace.Client) -> None:
    """What is served now is what a training set has for now."""
    at = datetime.now(timezone.utc) - timedelta(seconds=1)
    sales = [{"shop": "now", "branch": 1, "at": at.replace(microsecond=0), "price": 1 / 3}]
    client.publish("sales", sales)
    rows = [*oracle.spine(40, 12), {"shop": "now", "branch": 1, "event_timestamp": at}]
    entities = pl.DataFrame(rows).select("shop", "branch").with_columns(by=2.0)
    answer = client.answer("shop_model", entities)
    spine = entities.with_columns(event_timestamp=pl.lit(answer.at))
    trained = client.training_set("shop_model", spine)
    assert trained.drop("event_timestamp").schema == answer.frame.schema
    both = zip(trained.drop("event_timestamp").rows(), answer.frame.rows(), strict=True)
    for one, other in both:
        assert all(oracle.same(x, y) for x, y in zip(one, other, strict=True)), (one, other)
    assert answer.frame["price"][-1] == 1 / 3
    assert answer.at.tzinfo == timezone.utc
