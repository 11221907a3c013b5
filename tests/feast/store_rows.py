"""Writes the rows of store.py's sources. Run it in the repository's folder."""
from datetime import datetime, timedelta, timezone

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

DAY = datetime(2026, 6, 1, tzinfo=timezone.utc)
H = timedelta(hours=1)
ms = pa.timestamp("ms", tz="UTC")


def write(name, columns):
    pq.write_table(pa.table(columns), f"{name}.parquet")


# Out of order: one driver's newest row is the second to last.
write(
    "driver_stats",
    {
        "drv": pa.array([1, 2, 1, 3, 1, 4], pa.int64()),
        "event_timestamp": pa.array([DAY, DAY + H, DAY + 3 * H, DAY, DAY + 2 * H, DAY], ms),
        "created": pa.array([DAY + 4 * H] * 6, ms),
        "conv": pa.array([0.1, 0.25, 0.5, None, 0.9, 1e-300], pa.float64()),
        "acc_rate": pa.array([0.1, 0.2, 0.3, 0.4, 0.5, 16777216.0], pa.float32()),
        "trips": pa.array([5, 2**40, 7, 0, 6, -(2**53) + 1], pa.int64()),
        "level": pa.array([1, -2, 3, 4, 5, -(2**31)], pa.int32()),
        "city": ["Oslo", "Þórshöfn", 'quote " and \n line', "", "Rome", "東京"],
        "active": [True, False, True, None, False, False],
        "last_seen": pa.array([DAY, DAY - H, DAY + H, DAY, DAY, None], ms),
        "badge": pa.array([b"\x00\x01", b"", b"\xff", b"x", b"y", b"z"], pa.binary()),
        "scores": pa.array([[1.5], [2.0, -3.25], [0.5, 0.25], [], [9.0], [1e308]], pa.list_(pa.float64())),
        "ranks": pa.array([[1], [2, 3], [4], [], [5], [-1]], pa.list_(pa.int64())),
        "areas": pa.array([["n"], ["s", "w"], ["e", ""], [], ["x"], ["é"]], pa.list_(pa.string())),
        "seen": pa.array([[DAY], [DAY, DAY + H], [DAY + H], [], [DAY], [DAY]], pa.list_(ms)),
        "extra": pa.array([{"k": "v"}] * 6),
        "settings": ['{"a": 1}', "[]", '{"b": [1, 2]}', "{}", "null", "1"],
    },
)
write(
    "pairs",
    {
        "driver_id": pa.array([1, 1, 2], pa.int64()),
        "customer_id": ["a", "b", "a"],
        "at": pa.array([DAY, DAY, DAY + H], ms),
        "trips": pa.array([3, 1, 2], pa.int64()),
        "Rating": [4.5, 2.0, 5.0],
    },
)
# Feast stores it without a key; Millrace needs one.
write("weather_everywhere", {"scope": ["all"] * 2, "event_timestamp": pa.array([DAY, DAY + H], ms), "temperature": [20.5, 21.5]})
write("weather", {"event_timestamp": pa.array([DAY, DAY + H], ms), "temperature": [20.5, 21.5]})
write(
    "rides",
    {
        "driver_id": pa.array([1, 1], pa.int64()),
        "event_timestamp": pa.array([DAY, DAY + H], ms),
        "fare": [10.0, 4.0],
    },
)

# The newest row of a vendor has no stock.
write(
    "vendors",
    {
        "vendor": pa.array([1, 2, 2], pa.int32()),
        "event_timestamp": pa.array([DAY, DAY, DAY + H], ms),
        "stock": pa.array([10, 20, None], pa.int64()),
    },
)
