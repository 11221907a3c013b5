"""What users of Python do with data sets. Prints JSON."""

import json
import sys
import urllib.request


def compare(url, file):
    import pyarrow as pa
    import pyarrow.parquet as pq

    request = urllib.request.Request(
        url, headers={"accept": "application/vnd.apache.arrow.stream"}
    )
    with pa.ipc.open_stream(urllib.request.urlopen(request)) as reader:
        table = reader.read_all()
    table.validate(full=True)
    parquet = pq.read_table(file)
    types = {
        field.name: str(field.type)
        for field in table.schema
        if not field.name.endswith("__status")
    }
    same = table.column_names == parquet.column_names and all(
        table[name].to_pylist() == parquet[name].to_pylist()
        for name in table.column_names
    )
    print(json.dumps({"rows": table.num_rows, "same": same, "types": types}))


def columns(pa):
    from datetime import date, datetime, timezone
    from decimal import Decimal

    at = [
        datetime(2026, 1, 1, 0, 0, 4, tzinfo=timezone.utc),
        datetime(2026, 1, 1, 0, 0, 50, tzinfo=timezone.utc),
        datetime(2026, 1, 1, 0, 0, 1, tzinfo=timezone.utc),
    ]
    return {
        "event_timestamp": pa.array(at, pa.timestamp("ns", tz="UTC")),
        "shop": pa.array(["shop 0", "shop 1", None]).dictionary_encode(),
        "big": pa.array([2**62 + 1, None, -(2**63)], pa.int64()),
        "unsigned": pa.array([2**64 - 1, 0, None], pa.uint64()),
        "small": pa.array([-128, 127, None], pa.int8()),
        "half": pa.array([1.5, None, -0.25], pa.float32()),
        "amount": pa.array([Decimal("-1.50"), None, Decimal("99999.99")], pa.decimal128(20, 2)),
        "text": pa.array(["ü", "", None], pa.large_string()),
        "blob": pa.array([b"\x00\xff", None, b""], pa.binary()),
        "fixed": pa.array([b"ab", None, b"cd"], pa.binary(2)),
        "due": pa.array([date(1969, 12, 31), None, date(2026, 2, 28)]),
        "seconds": pa.array([datetime(1960, 1, 1), None, datetime(2026, 1, 1)], pa.timestamp("s")),
        "tags": pa.array([["a", None], [], None], pa.list_(pa.string())),
        "flag": pa.array([True, None, False]),
        "nothing": pa.nulls(3),
    }


def spine(kind, path):
    import pyarrow as pa

    if kind == "pandas":
        import pandas as pd

        frame = pd.DataFrame(
            {
                "shop": pd.Categorical(["shop 0", "shop 1", None]),
                "event_timestamp": pd.to_datetime(
                    [1767225604000, 1767225650000, 1767225601000], unit="ms", utc=True
                ),
                "label": [0.5, None, 1.0],
            }
        )
        table = pa.Table.from_pandas(frame)
    else:
        table = pa.table(columns(pa))
    create = pa.ipc.new_stream if kind == "stream" else pa.ipc.new_file
    with create(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=2)


def kept(path, out):
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pa.memory_map(path) as source:
        try:
            table = pa.ipc.open_file(source).read_all()
        except pa.ArrowInvalid:
            source.seek(0)
            table = pa.ipc.open_stream(source).read_all()
    written = pq.read_table(out)
    same = written.column_names[: len(table.column_names)] == table.column_names
    for name in table.column_names:
        before, now = table[name].to_pylist(), written[name].to_pylist()
        if before != now:
            print(name, before, now, file=sys.stderr)
            same = False
    sold = [value for value in written["sold"].to_pylist()]
    print(json.dumps({"same": same, "sold": sold}))


def mlflow(snippet):
    import os

    os.environ["MLFLOW_TRACKING_URI"] = "sqlite:///mlflow.db"
    import mlflow

    with open(snippet) as file:
        exec(file.read(), {})
    [run] = mlflow.search_runs(output_format="list")
    [logged] = run.inputs.dataset_inputs
    dataset = logged.dataset
    print(
        json.dumps(
            {
                "tag": run.data.tags["millrace.dataset"],
                "name": dataset.name,
                "digest": dataset.digest,
                "source": json.loads(dataset.source),
                "source_type": dataset.source_type,
                "context": logged.tags[0].value,
            }
        )
    )


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
