"""Computes every value of the training set again: check.py DIRECTORY TRAINING_SET.parquet

A value at T covers the events from floor((T - window) / hop) * hop to T, both inclusive: the window,
and the part of the oldest hop that reaches into it. The windows and hops below are those of
features.ts; where it names no hop, the default of the platform's documentation.
"""
import sys

import numpy as np
import pandas as pd

HOUR = 3_600_000
DAY = 24 * HOUR
directory, built = sys.argv[1:3]


def ms(times):
    return pd.to_datetime(times, utc=True).dt.as_unit("ms").astype("int64")


class Events:
    """The events of each entity, sorted by time; equal times keep the order of the file."""

    def __init__(self, frame, keys, time):
        frame = frame.assign(_ms=ms(frame[time])).dropna(subset=keys)
        frame = frame.sort_values("_ms", kind="stable")
        self.groups = {
            key if isinstance(key, tuple) else (key,): (group["_ms"].to_numpy(), group)
            for key, group in frame.groupby(keys if len(keys) > 1 else keys[0], sort=False)
        }
        self.columns = {}

    def within(self, key, at, window=None, hop=None):
        """The number of the first covered event, and of the first after them; None: no entity."""
        if key not in self.groups:
            return None
        times, _ = self.groups[key]
        end = np.searchsorted(times, at, side="right")
        if end == 0:
            return None
        start = 0 if window is None else (at - window) // hop * hop
        first = 0 if window is None else np.searchsorted(times, start, side="left")
        return first, end

    def values(self, key, column, span):
        cached = self.columns.get((key, column))
        if cached is None:
            cached = self.columns[(key, column)] = self.groups[key][1][column].to_numpy()
        found = cached[span[0] : span[1]]
        return found[~pd.isna(found)]


flights = pd.read_parquet(f"{directory}/flights.parquet")
flights["late"] = np.where(flights["dep_delay"] > 15, 1.0, 0.0)
weather = pd.read_csv(f"{directory}/weather.csv")
weather["wind_speed"] = weather["wind_speed"].astype("float32").astype("float64")
planes = pd.read_csv(f"{directory}/planes.csv", sep=";")

by_airport = Events(flights, ["origin"], "time_hour")
by_route = Events(flights[flights["distance"] > 200], ["origin", "dest"], "time_hour")
by_plane = Events(flights, ["tailnum"], "time_hour")
facts = Events(planes, ["tailnum"], "built")
skies = Events(weather, ["origin"], "time_hour")


def counted(events, key, at, window=None, hop=None):
    span = events.within(key, at, window, hop)
    return 0 if span is None else span[1] - span[0]


def folded(fold):
    def compute(events, key, column, at, window=None, hop=None):
        span = events.within(key, at, window, hop)
        values = [] if span is None else events.values(key, column, span)
        return None if len(values) == 0 else fold(values)

    return compute


avg = folded(lambda values: values.mean())
total = folded(lambda values: values.sum())
most = folded(lambda values: values.max())
last = folded(lambda values: values[-1])


def distinct(events, key, column, at, window, hop):
    span = events.within(key, at, window, hop)
    return 0 if span is None else len(set(events.values(key, column, span)))


def risk(row):
    delay, wind = row["delay_avg_1d"], row["wind_max_3h"]
    if delay is None:
        return None
    return delay * 2 if row["hour"] >= 17 and wind is not None and wind > 20 else delay


def expected(row):
    at = row["at"]
    airport, route = (row["origin"],), (row["origin"], row["dest"])
    values = {
        "departures_1h": counted(by_airport, airport, at, HOUR, HOUR // 30),
        "delay_avg_1d": avg(by_airport, airport, "dep_delay", at, DAY, HOUR),
        "delay_max_7d": most(by_airport, airport, "dep_delay", at, 7 * DAY, HOUR),
        "late_share_30d": avg(by_airport, airport, "late", at, 30 * DAY, DAY),
        "carriers_1d": distinct(by_airport, airport, "carrier", at, DAY, HOUR),
        "last_dest": last(by_airport, airport, "dest", at),
        "air_time_avg_7d": avg(by_route, route, "air_time", at, 7 * DAY, HOUR),
        "flights_all": counted(by_route, route, at),
        "temp": last(skies, airport, "temp", at),
        "wind_max_3h": most(skies, airport, "wind_speed", at, 3 * HOUR, HOUR // 12),
        "rain_1d": total(skies, airport, "precip", at, DAY, HOUR),
    }
    plane = (row["tailnum"],)
    if pd.isna(row["tailnum"]):
        none = ["flights_7d", "distance_30d", "seats", "manufacturer"]
        values.update({name: None for name in none})
    else:
        values.update(
            {
                "flights_7d": counted(by_plane, plane, at, 7 * DAY, DAY),
                "distance_30d": total(by_plane, plane, "distance", at, 30 * DAY, DAY),
                "seats": last(facts, plane, "seats", at),
                "manufacturer": last(facts, plane, "manufacturer", at),
            }
        )
    values["risk"] = risk({**row, **values})
    return values


def same(one, other):
    if one is None or pd.isna(one):
        return other is None or pd.isna(other)
    if other is None or pd.isna(other):
        return False
    if isinstance(one, str):
        return one == other
    return abs(one - other) <= 1e-9 * max(1.0, abs(one))


spine = pd.read_csv(f"{directory}/spine.csv")
made = pd.read_parquet(built)
if len(spine) != len(made):
    sys.exit(f"{len(made)} rows for a spine of {len(spine)}")
for name in ["origin", "dest", "tailnum"]:
    if not made[name].fillna("").eq(spine[name].fillna("")).all():
        sys.exit(f"the spine's column {name} was changed")
spine["at"] = ms(spine["event_timestamp"])
compared = missing = 0
wrong = []
for number, (row, answer) in enumerate(zip(spine.to_dict("records"), made.to_dict("records"))):
    for name, value in expected(row).items():
        compared += 1
        missing += value is None
        if not same(value, answer[name]):
            wrong.append(f"row {number}, {name}: pandas {value}, training set {answer[name]}")
for line in wrong[:20]:
    print(line)
if wrong:
    sys.exit(f"{len(wrong)} of {compared} values differ")
print(f"{compared} values equal, {missing} of them null")
