"""Data sets that the platform keeps."""

from __future__ import annotations

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import oracle
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import millrace

GRID = millrace.Grid(oracle.START, oracle.START + timedelta(hours=2), timedelta(minutes=30))


def a_name() -> str:
    return f"set_{uuid.uuid4().hex[:12]}"


def test_a_named_data_set_is_built_again_with_the_same_bytes(
    client: millrace.Client, tmp_path: Path
) -> None:
    name = a_name()
    spine = pd.DataFrame(oracle.spine(50, 30)).assign(label=[i % 2 == 0 for i in range(55)])
    made = client.datasets.make("of_shop", spine, name=name, with_status=True)
    assert (made.state, made.rows, made.reference) == ("done", 55, f"{name}@1")
    found = client.datasets.read(name, to="pandas")
    assert found["label"].tolist() == spine["label"].tolist()
    wanted = client.training_set("of_shop", spine.drop(columns="label"), with_status=True)
    assert found["sold"].tolist() == wanted["sold"].tolist()
    assert found["sold__status"].tolist() == wanted["sold__status"].tolist()

    manifest = client.datasets.show(name)
    assert manifest["content"]["rows"] == 55
    with pytest.raises(millrace.MillraceError, match="rows, which are not kept"):
        client.datasets.rerun(name)
    again = client.datasets.rerun(name, spine)
    files = [tmp_path / "first.parquet", tmp_path / "again.parquet"]
    client.datasets.download(made.id, files[0])
    client.datasets.download(again.id, files[1])
    assert files[0].read_bytes() == files[1].read_bytes()
    assert pq.read_table(files[0]).num_rows == 55
    with pytest.raises(millrace.MillraceError, match="exists"):
        client.datasets.download(made.id, files[0])
    with pytest.raises(millrace.MillraceError) as refused:
        client.datasets.rerun(name, spine.iloc[1:])
    assert refused.value.code == "MR_DATASET_CHANGED"


def test_versions_differ(client: millrace.Client) -> None:
    name = a_name()
    client.datasets.make("of_shop", GRID, name=name)
    with pytest.raises(millrace.MillraceError) as refused:
        client.datasets.make("of_shop", GRID, name=name, mode="as-served")
    assert refused.value.code == "MR_REFUSED"
    second = client.datasets.make(
        "of_shop", GRID, name=name, mode="as-served", new_version=True
    )
    assert second.reference == f"{name}@2"
    diff = client.datasets.diff(f"{name}@1", f"{name}@2")
    assert diff.same_bytes is False
    assert "mode" in [one.path for one in diff.differences]
    builds = client.datasets.list(name)
    assert [one.version for one in builds] == [2, 1]
    assert builds[0] in client.datasets.list()
    rows = client.datasets.diff_rows(f"{name}@1", f"{name}@2", examples=1)
    assert rows["rows"]["first"] == rows["rows"]["second"] == builds[0].rows
    assert rows["changed"] > 0 and rows["onlyFirst"] == rows["onlySecond"] == 0


def test_grids_and_events(client: millrace.Client) -> None:
    grid = client.datasets.make("of_shop", GRID)
    table = client.datasets.read(grid.id)
    entities = table.group_by(["shop", "branch"]).aggregate([([], "count_all")])
    assert set(entities["count_all"].to_pylist()) == {4}
    until = oracle.START + timedelta(hours=30)
    made = client.datasets.make("totals", millrace.Events("sales", ("price",), end=until))
    frame = client.datasets.read(made.id, to="polars")
    assert frame.filter(pl.col("shop").is_in(["a", "b", "c d", "é/ü"])).height == len(
        [sale for sale in oracle.SALES if sale["at"] < until]
    )


def test_rows_of_a_statement(client: millrace.Client) -> None:
    query = millrace.Query(
        "SELECT shop, branch, \"at\" AS event_timestamp, item AS label FROM raw_sales "
        "WHERE shop = 'c d' ORDER BY event_timestamp"
    )
    made = client.datasets.make("of_shop", query)
    found = client.datasets.read(made.id)
    sales = sorted((s for s in oracle.SALES if s["shop"] == "c d"), key=lambda s: s["at"])
    assert found["label"].to_pylist() == [sale["item"] for sale in sales]
    wanted = [oracle.of_shop("c d", sale["branch"], sale["at"])["sold"] for sale in sales]
    assert found["sold"].to_pylist() == wanted


def test_a_build_is_cancelled_when_nobody_waits(client: millrace.Client) -> None:
    large = millrace.Grid(oracle.END - timedelta(days=10), oracle.END, timedelta(minutes=1))
    with pytest.raises(millrace.MillraceError) as failed:
        client.datasets.make("of_shop", large, timeout=0)
    assert failed.value.code == "MR_DEADLINE"
    assert client.datasets.status(failed.value.details["id"]).state == "cancelled"

    def stop(dataset: millrace.Dataset) -> None:
        raise KeyboardInterrupt(dataset.id)

    with pytest.raises(KeyboardInterrupt) as stopped:
        client.datasets.make("of_shop", large, on_progress=stop)
    assert client.datasets.status(str(stopped.value)).state == "cancelled"

    started = client.datasets.make("of_shop", large, wait=False)
    assert started.state == "running" and started.rows is None
    assert client.datasets.cancel(started.id).state == "cancelled"
    with pytest.raises(millrace.MillraceError, match="was cancelled"):
        client.datasets.wait(started)


def test_failures_have_their_reason(client: millrace.Client, reader: millrace.Client) -> None:
    spine = [{"shop": "a", "branch": 1, "event_timestamp": "yesterday"}]
    with pytest.raises(millrace.MillraceError, match="yesterday") as failed:
        client.datasets.make("of_shop", spine)
    assert failed.value.code == "MR_SPINE_INVALID"
    with pytest.raises(millrace.MillraceError) as failed:
        client.datasets.read("nothing")
    assert failed.value.code == "MR_NOT_FOUND"
    with pytest.raises(millrace.MillraceError) as failed:
        reader.datasets.make("of_shop", millrace.Events("sales"))
    assert failed.value.code == "MR_FORBIDDEN"
    with pytest.raises(millrace.MillraceError) as failed:
        reader.datasets.make("of_shop", millrace.ServerFile("/etc/passwd"))
    assert failed.value.code == "MR_FORBIDDEN"


def test_a_file_of_the_server(
    client: millrace.Client, other: millrace.Client, tmp_path: Path
) -> None:
    path = tmp_path / "spine.parquet"
    spine = pa.Table.from_pylist(oracle.spine(20, 31))
    pq.write_table(spine, path)
    made = other.datasets.make("of_shop", millrace.ServerFile(str(path)))
    found = other.datasets.read(made.id)
    # The file's times are in microseconds.
    assert client.training_set("of_shop", spine).cast(found.schema) == found


def test_columns_without_a_definition(client: millrace.Client) -> None:
    """Rows are sent as JSON: other columns are text, numbers or booleans in the data set."""
    spine: list[dict[str, Any]] = [
        {**row, "text": "é", "flag": True, "share": 0.1, "big": 2**60, "none": None}
        for row in oracle.spine(3, 32)
    ]
    made = client.datasets.make("totals", spine)
    rows = client.datasets.read(made.id).to_pylist()
    assert {(r["text"], r["flag"], r["share"], r["big"], r["none"]) for r in rows} == {
        ("é", True, 0.1, str(2**60), None)
    }
