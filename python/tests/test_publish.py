"""Publishing: every event once, whatever is lost on the way."""

from __future__ import annotations

import math
import uuid
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import oracle
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from kinds import each_kind, frame
from proxy import Proxy, answering, cut_answer, forward, lose_answer, lose_request

import millrace
from millrace import _publishing

AT = oracle.START


def someone() -> str:
    return f"who {uuid.uuid4()}"


def visits(who: str, count: int) -> list[dict[str, Any]]:
    return [{"who": who, "at": AT + timedelta(milliseconds=i), "n": i} for i in range(count)]


def counted(client: millrace.Client, who: str, after: str | None = None) -> tuple[int, int]:
    (row,) = client.read("of_visitor", [{"who": who}], after=after).to_pylist()
    return row["visits"], row["sum_n"]


@each_kind
def test_frames_of_each_kind(client: millrace.Client, kind: str) -> None:
    who = someone()
    published = client.publish("visits", frame(visits(who, 30), kind))
    assert (published.accepted, published.duplicates, published.rejected) == (30, 0, ())
    assert counted(client, who, published.position) == (30, sum(range(30)))


def test_the_same_frame_again_counts_nothing_twice(client: millrace.Client) -> None:
    who = someone()
    first = client.publish("visits", visits(who, 50))
    again = client.publish("visits", pl.DataFrame(visits(who, 50)))
    assert (again.accepted, again.duplicates, again.producer) == (0, 50, first.producer)
    assert counted(client, who, again.position) == (50, sum(range(50)))
    other = client.publish("visits", visits(who, 51))
    assert (other.accepted, other.producer != first.producer) == (51, True)


def test_a_frame_of_another_caller_is_refused(
    client: millrace.Client, other: millrace.Client
) -> None:
    """It is counted already; whose it is, is not for this caller to change."""
    who = someone()
    client.publish("visits", visits(who, 5))
    with pytest.raises(millrace.MillraceError) as refused:
        other.publish("visits", visits(who, 5))
    assert refused.value.code == "MR_FORBIDDEN"
    assert other.publish("visits", visits(who, 4)).accepted == 4


def test_a_lost_answer_counts_nothing_twice(
    client: millrace.Client,
    through: millrace.Client,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_publishing, "_MOST_EVENTS", 10)
    who = someone()
    through.definition("visits")
    busy = answering(503, '{"code":"MR_OVERLOADED","message":"busy","details":{"retryAfterMs":1}}')
    proxy.seen.clear()
    proxy.method = "POST"
    proxy.faults = [
        *(lose_request, lose_answer, forward),
        *(lose_answer, busy, forward),
        *(cut_answer, forward),
        *(lose_answer, answering(502, "<html>bad gateway"), lose_request, forward),
    ]
    published = through.publish("visits", visits(who, 35))
    assert proxy.faults == []
    assert published.accepted + published.duplicates == 35
    assert published.rejected == ()
    assert counted(client, who, published.position) == (35, sum(range(35)))
    assert len(proxy.seen) == 1 + 12


def test_publishing_goes_on_where_it_failed(
    client: millrace.Client,
    through: millrace.Client,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_publishing, "_MOST_EVENTS", 10)
    who = someone()
    refused = answering(500, '{"code":"MR_STORAGE_FAILED","message":"broken","details":{}}')
    proxy.method = "POST"
    proxy.faults = [forward, forward, refused]
    with pytest.raises(millrace.MillraceError) as failed:
        through.publish("visits", visits(who, 35))
    assert (failed.value.code, failed.value.status) == ("MR_STORAGE_FAILED", 500)
    proxy.seen.clear()
    published = through.publish("visits", visits(who, 35))
    assert (published.accepted, published.duplicates) == (15, 20)
    assert len([one for one in proxy.seen if one.startswith("POST")]) == 2
    assert counted(client, who, published.position) == (35, sum(range(35)))


def test_a_producer_counts_equal_events_each_time(client: millrace.Client) -> None:
    who, name = someone(), f"tower {uuid.uuid4()}"
    producer = client.producer("visits", name)
    for _ in range(3):
        assert producer.publish(visits(who, 5)).accepted == 5
    # As after a restart of the program.
    published = client.producer("visits", name).publish(visits(who, 5))
    assert (published.accepted, published.producer) == (5, name)
    assert counted(client, who, published.position)[0] == 20


def test_a_producer_goes_on_where_it_failed(
    client: millrace.Client,
    through: millrace.Client,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_publishing, "_MOST_EVENTS", 10)
    who = someone()
    producer = through.producer("visits", f"tower {uuid.uuid4()}")
    assert producer.publish(visits(who, 3)).accepted == 3

    def lost_and_broken(exchange: Any) -> None:
        exchange.ask()
        exchange.give((500, {}, b'{"code":"MR_STORAGE_FAILED","message":"broken"}'))

    proxy.method = "POST"
    proxy.faults = [lost_and_broken]
    with pytest.raises(millrace.MillraceError):
        producer.publish(visits(who, 35))
    published = producer.publish(visits(who, 35))
    assert (published.accepted, published.duplicates) == (25, 10)
    assert counted(client, who, published.position)[0] == 38
    # A frame that did not fail is a new one.
    assert producer.publish(visits(who, 35)).accepted == 35


def test_rejected_events_are_named_and_the_others_are_there(client: millrace.Client) -> None:
    who = someone()
    rows = visits(who, 6)
    rows[1]["who"] = None
    rows[4]["n"] = 2**53 + 1
    rows[5]["at"] = datetime(1800, 1, 1, tzinfo=timezone.utc)
    with pytest.warns(millrace.MillraceWarning, match="3 of 6 events were rejected.*row 1"):
        published = client.publish("visits", rows)
    assert published.accepted == 3
    assert [(one.row, one.code, one.field) for one in published.rejected] == [
        (1, "MR_FIELD_MISSING", "who"),
        (4, "MR_FIELD_RANGE", "n"),
        (5, "MR_EVENT_TIME_ABSURD", "at"),
    ]
    assert "9007199254740993" in published.rejected[1].message
    assert counted(client, who, published.position) == (3, 0 + 2 + 3)


def test_rows_of_rejected_events_count_over_batches(
    client: millrace.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_publishing, "_MOST_EVENTS", 4)
    rows = visits(someone(), 10)
    rows[9]["who"] = None
    with pytest.warns(millrace.MillraceWarning):
        assert [one.row for one in client.publish("visits", rows).rejected] == [9]


def test_columns_are_checked_before_anything_is_sent(client: millrace.Client) -> None:
    who = someone()
    extra = pd.DataFrame(visits(who, 3)).assign(other=1)
    with pytest.raises(millrace.MillraceError, match="other are no fields") as refused:
        client.publish("visits", extra)
    assert refused.value.code == "MR_FIELD_UNKNOWN"
    with pytest.raises(millrace.MillraceError, match="no column at") as refused:
        client.publish("visits", pd.DataFrame(visits(who, 3)).drop(columns="at"))
    assert refused.value.code == "MR_FIELD_MISSING"
    with pytest.raises(millrace.MillraceError) as refused:
        client.publish("visits", pd.DataFrame(visits(who, 3)).assign(n=pd.Timedelta(1, "s")))
    assert refused.value.code == "MR_FIELD_TYPE"
    assert counted(client, who)[0] == 0
    assert client.publish("visits", extra, ignore_extra=True).accepted == 3
    assert counted(client, who)[0] == 3


def test_nan_is_missing_in_pandas_and_no_number_elsewhere(client: millrace.Client) -> None:
    def sale(price: Any) -> dict[str, Any]:
        return {"shop": someone(), "branch": 1, "at": AT, "price": price}

    assert client.publish("sales", pd.DataFrame([sale(math.nan), sale(1.0)])).accepted == 2
    for rows in (
        pl.DataFrame([sale(math.nan), sale(1.0)]),
        pa.Table.from_pylist([sale(math.nan), sale(1.0)]),
        pd.DataFrame([sale(math.inf), sale(1.0)]),
    ):
        with pytest.warns(millrace.MillraceWarning, match="rejected"):
            published = client.publish("sales", rows)
        assert published.accepted == 1
        assert [(one.row, one.field) for one in published.rejected] == [(0, "price")]


def test_times_below_the_millisecond_are_not_rounded_unnoticed(client: millrace.Client) -> None:
    who = someone()
    at = pd.Timestamp(AT).as_unit("ns") + pd.Timedelta(1_999_999, "ns")
    with pytest.warns(millrace.MillraceWarning, match="rounded down to the millisecond"):
        published = client.publish("visits", pd.DataFrame([{"who": who, "at": at}]))
    assert published.accepted == 1
    before = AT + timedelta(milliseconds=0)
    then = AT + timedelta(milliseconds=1)
    rows = [{"who": who}]
    assert client.read("of_visitor", rows, at=before)["visits"].to_pylist() == [0]
    assert client.read("of_visitor", rows, at=then)["visits"].to_pylist() == [1]


def test_times_near_1970_and_times_without_a_zone(client: millrace.Client) -> None:
    moments = [
        datetime(1970, 1, 20, 1, 2, 3, 4000),
        datetime(1969, 12, 31, 23, 59, 59, 999000),
        datetime(1, 1, 1),
        datetime(9999, 12, 31, 23, 59, 59, 999000),
    ]
    shops = [someone() for _ in moments]
    rows = [
        {"shop": shop, "branch": 1, "at": AT, "moment": moment}
        for shop, moment in zip(shops, moments, strict=True)
    ]
    assert client.publish("sales", rows).accepted == 4
    found = client.read("of_shop", [{"shop": shop, "branch": 1} for shop in shops])
    times: list[Any] = found["moment"].to_pylist()
    assert [time.replace(tzinfo=None) for time in times] == moments


def test_other_types_of_columns(client: millrace.Client) -> None:
    shop = someone()
    table = pa.table(
        {
            "shop": pa.array([shop]).dictionary_encode(),
            "branch": pa.array([Decimal(1)], pa.decimal128(5, 0)),
            "at": pa.array([AT], pa.timestamp("s", tz="UTC")),
            "price": pa.array([Decimal("1.25")], pa.decimal128(10, 2)),
            "n": pa.array([7.0]),
            "small": pa.array([3], pa.uint8()),
            "ratio": pa.array([0.1], pa.float32()),
            "day": pa.array([20_000], pa.int32()).cast(pa.date32()).cast(pa.date64()),
            "raw": pa.array([b"ab"], pa.binary(2)),
            "item": pa.array(["x"], pa.string_view()),
            "tags": pa.array([["x"]], pa.large_list(pa.large_string())),
        }
    )
    assert client.publish("sales", table).rejected == ()
    (row,) = client.read("of_shop", [{"shop": shop, "branch": 1}], at=AT).to_pylist()
    assert (row["price"], row["n"], row["small"], row["raw"]) == (1.25, 7, 3, b"ab")
    assert row["ratio"] == table["ratio"][0].as_py()
    assert str(row["day"]) == "2024-10-04"


def test_no_rows_and_no_source(client: millrace.Client) -> None:
    published = client.publish("visits", pd.DataFrame(visits("x", 1)).iloc[:0])
    assert (published.accepted, published.position) == (0, None)
    with pytest.raises(millrace.MillraceError) as refused:
        client.publish("nothing", visits("x", 1))
    assert (refused.value.code, refused.value.status) == ("MR_NOT_FOUND", 404)


@pytest.mark.parametrize("name", ["", "é", "x" * 201, "two\nlines"])
def test_names_of_producers(client: millrace.Client, name: str) -> None:
    with pytest.raises(millrace.MillraceError, match="name of a producer"):
        client.producer("visits", name)
