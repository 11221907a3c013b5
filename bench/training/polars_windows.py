"""The benchmark's training set with Polars: `polars_windows.py RAW SPINE OUT`.

A window that ends at T and is cut at its hop consists of a fixed number of whole tiles and of the
events of T's own tile up to T. So each feature is a rolling aggregation over tiles, combined with a
cumulative one within a tile. Rows and events are one frame, events first at equal times.
"""
import json
import resource
import sys
import time

CAP = 12 * 2**30
resource.setrlimit(resource.RLIMIT_DATA, (CAP, CAP))

import polars as pl  # noqa: E402

RAW, SPINE, OUT = sys.argv[1:4]
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

# keys, hop, window, feature, aggregation, column
AIRPORT, ROUTE = ["origin"], ["origin", "destination"]
FEATURES = [
    (AIRPORT, 2 * MINUTE, HOUR, "departures_1h", "count", "distance"),
    (AIRPORT, 2 * MINUTE, HOUR, "delay_avg_1h", "avg", "delay"),
    (AIRPORT, HOUR, DAY, "delay_avg_1d", "avg", "delay"),
    (AIRPORT, HOUR, DAY, "delay_max_1d", "max", "delay"),
    (AIRPORT, 6 * HOUR, 7 * DAY, "late_share_7d", "avg", "late"),
    (ROUTE, 2 * MINUTE, HOUR, "route_departures_1h", "count", "distance"),
    (ROUTE, HOUR, DAY, "route_delay_min_1d", "min", "delay"),
    (ROUTE, HOUR, DAY, "route_delay_avg_1d", "avg", "delay"),
    (ROUTE, 6 * HOUR, 7 * DAY, "route_delay_sd_7d", "sd", "delay"),
    (ROUTE, 6 * HOUR, 7 * DAY, "route_distance_7d", "sum", "distance"),
]
PARTIALS = {
    "count": ["n"], "sum": ["n", "sum"], "avg": ["n", "sum"], "sd": ["n", "sum", "sq"],
    "min": ["min"], "max": ["max"],
}


def lifted(partial, column):
    """A partial's value of each single row; null where it has none."""
    value = pl.col(column)
    if partial == "n":
        return value.is_not_null().cast(pl.Int64)
    if partial == "sum":
        return value.fill_null(0.0)
    if partial == "sq":
        return (value * value).fill_null(0.0)
    return value


def merged(partial, value):
    return {"min": value.min(), "max": value.max()}.get(partial, value.sum())


def cumulated(partial, value):
    if partial == "min":
        return value.cum_min().fill_null(strategy="forward")
    if partial == "max":
        return value.cum_max().fill_null(strategy="forward")
    return value.cum_sum()


def combined(partial, one, other):
    if partial == "min":
        return pl.min_horizontal(one, other)
    if partial == "max":
        return pl.max_horizontal(one, other)
    return one.fill_null(0) + other.fill_null(0)


def finalized(aggregation, get):
    if aggregation == "count":
        return get("n")
    if aggregation in ("min", "max"):
        return get(aggregation)
    n, total = get("n"), get("sum")
    if aggregation == "sum":
        return pl.when(n > 0).then(total)
    if aggregation == "avg":
        return pl.when(n > 0).then(total / n)
    variance = (get("sq") - total * total / n) / (n - 1)
    return pl.when(n > 1).then(variance.clip(0).sqrt())


def features_of(frame, keys, hop, window, wanted):
    """One column for each wanted feature of one window, by `row`."""
    pairs = sorted({(p, column) for _, kind, column in wanted for p in PARTIALS[kind]})
    by = [*keys, "tile"]
    tiled = frame.with_columns((pl.col("t") // hop).alias("tile"))
    tiles = tiled.group_by(by).agg(
        merged(p, lifted(p, column)).alias(f"{p}_{column}") for p, column in pairs
    ).sort(by)
    rolled = tiles.rolling(
        index_column="tile", period=f"{window // hop}i", closed="left", group_by=keys
    ).agg(merged(p, pl.col(f"{p}_{column}")).alias(f"whole_{p}_{column}") for p, column in pairs)
    head = tiled.with_columns(
        cumulated(p, lifted(p, column)).over(by).alias(f"head_{p}_{column}") for p, column in pairs
    ).filter(pl.col("row").is_not_null())
    both = head.join(rolled, on=by, how="left")
    return both.select(
        "row",
        *(
            finalized(
                kind,
                lambda p, column=column: combined(
                    p, pl.col(f"whole_{p}_{column}"), pl.col(f"head_{p}_{column}")
                ),
            ).alias(name)
            for name, kind, column in wanted
        ),
    )


started = time.perf_counter()
spine = pl.read_parquet(SPINE).with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
raw = pl.read_parquet(RAW, columns=["origin", "destination", "date", "delay", "distance"])
values = [pl.lit(None, dtype=pl.Float64).alias(name) for name in ("delay", "late", "distance")]
rows = spine.select(
    "origin", "destination", pl.col("event_timestamp").dt.epoch("ms").alias("t"), "row", *values
)
events = raw.select(
    "origin", "destination", pl.col("date").dt.epoch("ms").alias("t"),
    pl.lit(None, dtype=pl.Int64).alias("row"), "delay",
    pl.when(pl.col("delay") > 15).then(1.0).otherwise(0.0).alias("late"), "distance",
)
frame = pl.concat([events, rows])
result = spine
for keys in (AIRPORT, ROUTE):
    # A stable sort: events stay before the rows of the same time.
    ordered = frame.sort([*keys, "t"], maintain_order=True)
    for hop, window in ((2 * MINUTE, HOUR), (HOUR, DAY), (6 * HOUR, 7 * DAY)):
        wanted = [f[3:] for f in FEATURES if f[:3] == (keys, hop, window)]
        found = features_of(ordered, keys, hop, window, wanted)
        result = result.join(found, on="row", how="left")
result.sort("row").select(
    "origin", "destination", "event_timestamp", *(f[3] for f in FEATURES)
).write_parquet(OUT, compression="zstd")
usage = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    "seconds": time.perf_counter() - started,
    "cpuSeconds": usage.ru_utime + usage.ru_stime,
    "peakMiB": usage.ru_maxrss / 1024,
}))
